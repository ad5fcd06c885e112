/** Peers with users. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { PeerConfigInput } from "../../src/peer/config.ts"
import type { Prepared } from "./secured.ts"

/** The password of all users, unless there is a reason for another. */
export const password = "correct horse"

/** A configuration with these users, and what else is to be in it. */
export function withUsers(names: readonly string[], config: PeerConfigInput = {}, secret = password): Prepared {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-users-"))
  const file = join(folder, "config.json")
  writeFileSync(file, JSON.stringify({ users: names.map((username) => ({ username, password: secret })), ...config }))
  return { args: ["--config", file], release: () => rmSync(folder, { recursive: true, force: true }) }
}
