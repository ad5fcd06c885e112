/**
 * Session descriptions (RFC 8866) as far as a relay of media is concerned:
 * where each stream is expected, and how to say something else. Lines that
 * are none of its business pass byte for byte.
 */

/** Which end of a relay a stream has: written by the peer of one phone, for the peer of the other. */
export interface RelayName {
  /** Overlay host name of the peer. */
  readonly host: string
  /** 16 hexadecimal digits, by which packets for the phone are known there. */
  readonly id: string
}

/** One `m=` line and what belongs to it. */
export interface MediaLine {
  /** Its place among all of them. */
  readonly index: number
  /** 0 where the stream is turned down. */
  readonly port: number
  /** `RTP/AVP` */
  readonly protocol: string
  /** Where packets are expected: its own `c=` line, or that of the session. */
  readonly address: string | undefined
  readonly relay: RelayName | undefined
}

/** What becomes of a media line: names a relay, or leads to another place. Without either it only loses the name of a relay. */
export interface MediaChange {
  readonly relay?: RelayName
  readonly place?: { readonly address: string; readonly port: number }
}

/** Longer descriptions, and those of more streams, are left alone. */
const maxBytes = 16_384
const maxMedia = 16

const attribute = "a=x-p2psip-relay:"
const mediaForm = /^m=([^ ]+) (\d{1,5}) ([^ ]+) /
const addressForm = /^c=IN IP[46] ([^ /\r]+)/
const relayForm = /^a=x-p2psip-relay:([a-z0-9.-]{1,253}) ([0-9a-f]{16})\r?$/
/** Other ways to the phone than that which is written anew (RFC 3605, RFC 8839). */
const otherWays = /^a=(rtcp|candidate|remote-candidates|end-of-candidates|ice-ufrag|ice-pwd|ice-options|ice-lite|ice-mismatch|ice-pacing)(:|\r?$)/

interface Section {
  readonly lines: readonly string[]
  /** Undefined for what comes before the first `m=` line, and for those that are not understood. */
  readonly media: MediaLine | undefined
}

/**
 * The description with its media lines changed as `change` says. What is not
 * one, or is too large, comes back as it is: the same bytes.
 */
export function rewriteMedia(body: Uint8Array, change: (media: MediaLine) => MediaChange): Uint8Array {
  if (body.length > maxBytes) return body
  const raw = Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1")
  if (!raw.startsWith("v=0")) return body
  // RFC 8866 §5: a line may end with LF alone, and the next one otherwise. So CR is the last of a line's own characters.
  const end = raw.includes("\r\n") ? "\r" : ""
  const text = raw.endsWith("\n") ? raw : `${raw}${end}\n`
  const sections = sectionsOf(text.split("\n"))
  if (sections === undefined) return body
  const changes = sections.map(({ media }) => (media === undefined ? undefined : change(media)))
  const isLed = changes.some((one) => one?.place !== undefined)
  const lines = sections.flatMap((section, at) => changed(section, changes[at] ?? {}, { isLed, end }))
  const result = lines.join("\n")
  return result === text ? body : Buffer.from(result, "latin1")
}

/** Undefined where there are too many. */
function sectionsOf(lines: readonly string[]): Section[] | undefined {
  const starts = [0, ...[...lines.keys()].filter((at) => lines[at]?.startsWith("m=") === true)]
  if (starts.length - 1 > maxMedia) return undefined
  const parts = starts.map((start, at) => lines.slice(start, starts[at + 1]))
  const address = addressIn(parts[0] ?? [])
  return parts.map((part, at) => ({ lines: part, media: at === 0 ? undefined : mediaOf(part, at - 1, address) }))
}

function mediaOf(lines: readonly string[], index: number, sessionAddress: string | undefined): MediaLine | undefined {
  const [, , port, protocol] = mediaForm.exec(lines[0] ?? "") ?? []
  if (port === undefined || protocol === undefined || Number(port) > 65_535) return undefined
  const named = lines.map((line) => relayForm.exec(line)).find((match) => match !== null)
  const [, host, id] = named ?? []
  const relay = host === undefined || id === undefined ? undefined : { host, id }
  return { index, port: Number(port), protocol, address: addressIn(lines) ?? sessionAddress, relay }
}

function addressIn(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const address = addressForm.exec(line)?.[1]
    if (address !== undefined) return address
  }
  return undefined
}

/** `isLed` where any stream of the description leads elsewhere; `end` of each new line. */
function changed({ lines, media }: Section, { relay, place }: MediaChange, { isLed, end }: { readonly isLed: boolean; readonly end: string }): string[] {
  const kept = lines.filter((line) => !line.startsWith(attribute))
  if (media === undefined) return isLed ? kept.filter((line) => !otherWays.test(line)) : kept
  if (place !== undefined) return led(kept, place, end)
  if (relay === undefined) return kept
  // What follows the last line of the last section is no line.
  const last = kept.at(-1) === "" ? kept.length - 1 : kept.length
  return kept.toSpliced(last, 0, `${attribute}${relay.host} ${relay.id}${end}`)
}

/** RFC 8866 §5: m, i, c and then the others. */
function led(lines: readonly string[], { address, port }: NonNullable<MediaChange["place"]>, end: string): string[] {
  const [first = "", ...rest] = lines.filter((line) => !line.startsWith("c=") && !otherWays.test(line))
  const titles = rest.filter((line) => line.startsWith("i="))
  const others = rest.filter((line) => !line.startsWith("i="))
  const family = address.includes(":") ? "IP6" : "IP4"
  return [first.replace(/^(m=[^ ]+) \d+/, `$1 ${port}`), ...titles, `c=IN ${family} ${address}${end}`, ...others]
}
