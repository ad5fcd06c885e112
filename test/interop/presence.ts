/** Scenario `presence`: baresip watches phones at another peer. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import { BaresipPhone } from "./baresip-phone.ts"
import { domain, inTurn, passed, type Check } from "./checks.ts"
import type { Prepared } from "./secured.ts"
import { withUsers } from "./users.ts"

const password = "horse"
/** Changes at another peer are told after five seconds at most. */
const patienceMs = 15_000

/** baresip stumbles over a challenge that is not MD5, and over spaces in a password. */
export async function forPresence(): Promise<Prepared> {
  return withUsers(["alice", "bob", "dave"], { digestAlgorithms: ["MD5"] }, password)
}

export async function presence(peers: readonly Daemon[]): Promise<Check[]> {
  const [here, there] = [inTurn(peers, 0), inTurn(peers, 1)]
  const phone = { transport: "udp", password } as const
  const alice = new BaresipPhone("alice", here, { ...phone, watches: [`sip:bob@${domain}`, `sip:dave@${domain}`] })
  try {
    // It looks at its contacts a second after its start, and tells of changes alone.
    await sleep(3000)
    const bob = new BaresipPhone("bob", there, { ...phone, publishes: true })
    const dave = new BaresipPhone("dave", there, phone)
    try {
      const checks = [
        await sees(alice, "a phone that publishes comes", "bob", "Offline to Online"),
        await sees(alice, "a phone that only registers comes", "dave", "Offline to Online"),
      ]
      await dave.stop()
      return [...checks, await sees(alice, "a phone that only registers goes", "dave", "Online to Offline")]
    } finally {
      await Promise.all([bob.stop(), dave.stop()])
    }
  } finally {
    await alice.stop()
  }
}

async function sees(watcher: BaresipPhone, what: string, user: string, change: string): Promise<Check> {
  const name = `baresip at one peer sees that ${what} at another`
  const startedAt = performance.now()
  while (!watcher.output.includes(`<sip:${user}@${domain}> changed status from ${change}`)) {
    if (performance.now() - startedAt > patienceMs) return { name, passed: false, detail: watcher.output.split("\n").slice(-8).join("\n") }
    await sleep(100)
  }
  return passed(name, change)
}
