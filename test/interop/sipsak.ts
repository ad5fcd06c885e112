/** Scenario `sipsak`: sipsak registers with digest, asks for options; over UDP and TCP. */
import { spawn } from "node:child_process"
import type { Daemon } from "../../src/bench/daemon.ts"
import { inTurn, type Check } from "./checks.ts"
import type { Prepared } from "./secured.ts"
import { password, withUsers } from "./users.ts"

interface Outcome {
  readonly code: number | null
  readonly output: string
}

/** sipsak looks for the address of every host that it reads, so the peers serve this one as a domain. */
const host = "127.0.0.1"

/** Peers that sipsak can speak to. It reads the last of several challenges, whatever its algorithm. */
export async function forSipsak(): Promise<Prepared> {
  const { args, release } = withUsers(["alice"], { digestAlgorithms: ["MD5"] })
  return { args: [...args, "--domain", host], release }
}

export async function sipsakAsks(peers: readonly Daemon[]): Promise<Check[]> {
  const checks: Check[] = []
  for (const transport of ["udp", "tcp"] as const) {
    const at = (index: number): string => `127.0.0.1:${inTurn(peers, index).sipPort(transport)}`
    const ask = (...args: readonly string[]): Promise<Outcome> => sipsak(["-E", transport, ...args])
    const words = transport.toUpperCase()
    checks.push(verdict(`sipsak registers with digest over ${words}`, await ask(...registration(password), "-p", at(0)), 0))
    checks.push(verdict(`sipsak with a wrong password does not, over ${words}`, await ask(...registration("guess"), "-p", at(1)), 2))
    checks.push(verdict(`sipsak gets its OPTIONS answered over ${words}`, await ask("-s", `sip:${host}`, "-p", at(2)), 0))
  }
  return checks
}

/** Its default of 15 seconds is below our minimum, and of its own it would give `alice@` as user name. */
function registration(word: string): string[] {
  return ["-i", "-U", "-x", "600", "-C", "sip:alice@127.0.0.1:9", "-s", `sip:alice@${host}`, "-u", "alice", "-a", word]
}

function verdict(name: string, { code, output }: Outcome, expected: number): Check {
  const passed = code === expected
  return { name, passed, detail: passed ? `exit code ${code}` : `exit code ${code}\n${output.slice(-1000)}` }
}

async function sipsak(args: readonly string[]): Promise<Outcome> {
  const child = spawn("timeout", ["20", "sipsak", "-v", ...args], { stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve) => void child.once("close", (code) => resolve({ code, output })))
}
