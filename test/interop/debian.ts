/** Programs of Debian's that scenarios need: found, or installed where that is possible. */
import { spawnSync } from "node:child_process"

export interface Program {
  readonly command: string
  readonly versionArgs: readonly string[]
  /** Finds the version in what the program says. */
  readonly version: RegExp
  readonly package: string
}

export const sipp: Program = { command: "sipp", versionArgs: ["-v"], version: /SIPp v[\w.-]+/, package: "sip-tester" }
export const chromium: Program = { command: "/usr/bin/chromium", versionArgs: ["--version"], version: /Chromium [\d.]+/, package: "chromium" }
export const baresip: Program = { command: "baresip", versionArgs: ["-h"], version: /baresip v[\d.]+/, package: "baresip-core" }
export const sipsak: Program = { command: "sipsak", versionArgs: ["-V"], version: /sipsak [\d.]+/, package: "sipsak" }
export const linphone: Program = { command: "linphonec", versionArgs: ["-v"], version: /version: [\d.]+/, package: "linphone-cli" }
export const kamailio: Program = { command: "kamailio", versionArgs: ["-v"], version: /kamailio [\d.]+/, package: "kamailio" }
export const babeld: Program = { command: "babeld", versionArgs: ["-V"], version: /babeld-[\d.]+/, package: "babeld" }
export const tshark: Program = { command: "tshark", versionArgs: ["--version"], version: /TShark[^\d]*[\d.]+/, package: "tshark" }

/** The program's name and version. Throws with what is missing. */
export function requireProgram(program: Program): string {
  const found = versionOf(program)
  if (found !== undefined) return found
  const missing = `${program.command} is missing`
  if (process.getuid?.() !== 0) throw new Error(`${missing}: as root, run \`apt-get install ${program.package}\`, then try again`)
  run("apt-get", ["update"])
  const output = run("apt-get", ["install", "-y", "--no-install-recommends", program.package])
  const installed = versionOf(program)
  if (installed === undefined) {
    throw new Error(`${missing}, and apt-get cannot install ${program.package}: ${output?.slice(-500) ?? "there is no apt-get here"}`)
  }
  return installed
}

/** Some programs end with an error after their version, whatever they think of that. */
function versionOf({ command, versionArgs, version }: Program): string | undefined {
  return version.exec(run(command, versionArgs) ?? "")?.[0]
}

function run(command: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } })
  return error === undefined ? stdout + stderr : undefined
}
