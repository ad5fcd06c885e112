/**
 * What all peers of an overlay must have in common, told to each other when
 * they connect: libp2p's identify carries it in the name of the program.
 *
 *     p2psip (domains=1f2e3d4c users=5b6a7988)
 */

/** Short tokens by name, such as hashes. */
export type Settings = Readonly<Record<string, string>>

const maxTextLength = 256

/** As it is told to other peers. */
export function formatSettings(settings: Settings): string {
  const pairs = Object.entries(settings).map(([name, token]) => `${name}=${token}`)
  return pairs.length === 0 ? "p2psip" : `p2psip (${pairs.join(" ")})`
}

/** The names of the settings that another peer says otherwise; what only one of the two tells is no difference. */
export function differences(own: Settings, told: string): string[] {
  if (told.length > maxTextLength) return []
  const theirs = new Map(Array.from(told.matchAll(/(\w+)=(\w+)/g), ([, name = "", token = ""]) => [name, token]))
  return Object.entries(own).filter(([name, token]) => (theirs.get(name) ?? token) !== token).map(([name]) => name)
}
