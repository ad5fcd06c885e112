/** The version in package.json, wherever this file runs from. */
import { existsSync, readFileSync } from "node:fs"

export function packageVersion(): string {
  // src/cli in a checkout, dist/src/cli in the package.
  for (const path of ["../../package.json", "../../../package.json"]) {
    const url = new URL(path, import.meta.url)
    if (!existsSync(url)) continue
    const { version } = JSON.parse(readFileSync(url, "utf8")) as { readonly version: string }
    return version
  }
  return "0.0.0"
}
