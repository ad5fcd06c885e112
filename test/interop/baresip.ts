/** Scenario `baresip`: baresip over TLS at one peer and a UDP phone at another, call each other. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import type { UserAgent } from "../../src/sip/agent/index.ts"
import { startAgent } from "./agents.ts"
import { BaresipPhone } from "./baresip-phone.ts"
import { domain, inTurn, type Check } from "./checks.ts"

export async function baresipCalls(peers: readonly Daemon[]): Promise<Check[]> {
  const carol = await startAgent("carol", inTurn(peers, 1))
  try {
    return [await callBaresip(carol, inTurn(peers, 0)), await callFromBaresip(carol, inTurn(peers, 0))]
  } finally {
    await carol.stop()
  }
}

async function callBaresip(carol: UserAgent, peer: Daemon): Promise<Check> {
  const name = "a UDP phone calls baresip on TLS at another peer, and hangs up"
  const phone = new BaresipPhone("bob", peer)
  try {
    for (let attempt = 0; ; attempt++) {
      const call = carol.call(`sip:bob@${domain}`)
      const outcome = await call.outcome
      // 480: it has not registered yet.
      if (outcome.kind === "failed" && outcome.status === 480 && attempt < 50) {
        await sleep(100)
        continue
      }
      if (outcome.kind === "failed") return { name, passed: false, detail: `${outcome.status} ${outcome.reason}` }
      call.hangUp()
      await call.ended
      return { name, passed: true, detail: "established, ended" }
    }
  } finally {
    await phone.stop()
  }
}

async function callFromBaresip(carol: UserAgent, peer: Daemon): Promise<Check> {
  const name = "baresip on TLS calls a UDP phone at another peer, and hangs up"
  const ended = new Promise<string>((resolve) => {
    carol.onEvent((event) => {
      if (event.name === "ended") resolve(`established, ended by ${event.by} side`)
      else if (event.name === "failed") resolve(`${event.status} ${event.reason}`)
      else if (event.name === "established") void sleep(500).then(() => phone.stop())
    })
  })
  const phone = new BaresipPhone("dave", peer, { target: `sip:carol@${domain}` })
  const detail = await Promise.race([ended, sleep(20_000).then(() => "nothing within 20 s")])
  await phone.stop()
  return { name, passed: detail === "established, ended by remote side", detail }
}
