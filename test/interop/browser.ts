/**
 * Scenario `browser`: JsSIP and SIP.js in headless Chromium over WSS. Browsers
 * at different peers call each other with sound; a browser and a UDP phone at another peer
 * call each other, signalling only, as that phone has no DTLS.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import type { UserAgent } from "../../src/sip/agent/index.ts"
import { startAgent } from "./agents.ts"
import { domain, inTurn, type Check } from "./checks.ts"
import { PhoneBrowser, type BrowserPhone, type PhoneLibrary } from "./chromium.ts"

export async function browsers(peers: readonly Daemon[]): Promise<Check[]> {
  const browser = await PhoneBrowser.start()
  try {
    const alice = await register("alice", browser, "JsSIP", inTurn(peers, 0))
    const bob = await register("bob", browser, "JsSIP", inTurn(peers, 1))
    const dave = await register("dave", browser, "SIP.js", inTurn(peers, 3))
    return [
      await callWithSound(alice, bob, "sip:bob"),
      await callWithSound(bob, alice, "sip:alice"),
      await callWithSound(alice, dave, "sip:dave", "JsSIP calls SIP.js"),
      await callWithSound(dave, alice, "sip:alice", "SIP.js calls JsSIP"),
      ...(await callsWithUdp(alice, inTurn(peers, 2))),
    ]
  } finally {
    await browser.stop()
  }
}

async function register(name: string, browser: PhoneBrowser, library: PhoneLibrary, peer: Daemon): Promise<BrowserPhone> {
  const phone = await browser.open(library)
  const outcome = await phone.ask("register", `wss://127.0.0.1:${peer.sipPort("wss")}`, `sip:${name}@${domain}`)
  if (outcome !== "registered") throw new Error(`${name} in the browser: expected to register, found ${outcome}`)
  return phone
}

async function callWithSound(from: BrowserPhone, to: BrowserPhone, target: string, who = "a browser calls a browser"): Promise<Check> {
  const name = `${who} at another peer (${target}), with sound`
  const outcome = await from.ask("call", `${target}@${domain}`)
  if (outcome !== "confirmed") return { name, passed: false, detail: outcome }
  const packets = [await soundAt(from), await soundAt(to)]
  await from.ask("hangUp")
  const ended = await to.ask("ended")
  const passed = packets.every((count) => count >= 50) && ended === "remote"
  return { name, passed, detail: `${packets.join(" and ")} packets received, ended by ${ended} side` }
}

/** Packets received after at most ten seconds: 50 are a second of sound. */
async function soundAt(phone: BrowserPhone): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const count = await phone.ask("packetsReceived")
    if (count >= 50 || attempt === 100) return count
    await sleep(100)
  }
}

async function callsWithUdp(browser: BrowserPhone, peer: Daemon): Promise<Check[]> {
  const carol = await startAgent("carol", peer)
  try {
    await browser.ask("expectPlain", true)
    return [await callUdp(browser, carol), await callFromUdp(browser, carol)]
  } finally {
    await carol.stop()
  }
}

async function callUdp(browser: BrowserPhone, carol: UserAgent): Promise<Check> {
  const name = "a browser calls a UDP phone at another peer, which hangs up"
  const outcome = await browser.ask("call", `sip:carol@${domain}`)
  if (outcome !== "confirmed") return { name, passed: false, detail: outcome }
  carol.calls[0]?.hangUp()
  const ended = await browser.ask("ended")
  return { name, passed: ended === "remote", detail: `${outcome}, ended by ${ended} side` }
}

async function callFromUdp(browser: BrowserPhone, carol: UserAgent): Promise<Check> {
  const name = "a UDP phone calls a browser at another peer, which hangs up"
  const call = carol.call(`sip:alice@${domain}`)
  const outcome = await call.outcome
  if (outcome.kind !== "established") return { name, passed: false, detail: `${outcome.status} ${outcome.reason}` }
  await browser.ask("hangUp")
  await call.ended
  return { name, passed: true, detail: "established, ended by the browser" }
}
