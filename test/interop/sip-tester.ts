/** Makes sure that SIPp, the Debian package sip-tester, is there. */
import { spawnSync } from "node:child_process"

function run(command: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } })
  return error === undefined ? stdout + stderr : undefined
}

function version(): string | undefined {
  // SIPp ends with code 99 after its version, whatever it thinks of that.
  return /SIPp (v[\w.-]+)/.exec(run("sipp", ["-v"]) ?? "")?.[1]
}

/** The version of SIPp, installed first where that is possible. Throws with what is missing. */
export function requireSipp(): string {
  const found = version()
  if (found !== undefined) return found
  if (process.getuid?.() !== 0) throw new Error("SIPp is missing: as root, run `apt-get install sip-tester`, then try again")
  run("apt-get", ["update"])
  const output = run("apt-get", ["install", "-y", "--no-install-recommends", "sip-tester"])
  const installed = version()
  if (installed === undefined) {
    throw new Error(`SIPp is missing, and apt-get cannot install sip-tester: ${output?.slice(-500) ?? "there is no apt-get here"}`)
  }
  return installed
}
