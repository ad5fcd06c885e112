import { existsSync } from "node:fs"
import { resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")

/**
 * A folder of the material that is shared with, but no part of, the project;
 * undefined where it is absent. `P2PSIP_SHARED` names it, else it is looked for
 * beside the project.
 */
export function sharedFolder(name: string): string | undefined {
  const candidates = [process.env["P2PSIP_SHARED"], resolve(root, "../shared"), resolve(root, "../../shared")]
  return candidates
    .filter((candidate) => candidate !== undefined)
    .map((candidate) => resolve(candidate, name))
    .find((folder) => existsSync(folder))
}
