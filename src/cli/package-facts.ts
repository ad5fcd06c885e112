/** What package.json says of the program, wherever this file runs from. */
import { existsSync, readFileSync } from "node:fs"

interface PackageFacts {
  readonly version: string
  /** The oldest major version of Node that will do. */
  readonly minNodeMajor: number
}

export function packageFacts(): PackageFacts {
  // src/cli in a checkout, dist/src/cli in the package.
  for (const path of ["../../package.json", "../../../package.json"]) {
    const url = new URL(path, import.meta.url)
    if (!existsSync(url)) continue
    const { version, engines } = JSON.parse(readFileSync(url, "utf8")) as { readonly version: string; readonly engines: { readonly node: string } }
    return { version, minNodeMajor: Number(/\d+/.exec(engines.node)?.[0] ?? 0) }
  }
  return { version: "0.0.0", minNodeMajor: 0 }
}

/** What to say where Node is too old; undefined where it is not. */
export function nodeComplaint(found: string, { minNodeMajor }: Pick<PackageFacts, "minNodeMajor">): string | undefined {
  if (Number.parseInt(found, 10) >= minNodeMajor) return undefined
  return `Node: expected ${minNodeMajor} or newer, found ${found}; install a newer one, or run \`npx --package=node@${minNodeMajor} --package=p2psip p2psip\``
}
