/**
 * The main job, shown: five peers, two phones, one peer killed.
 *
 * `npm run demo` starts five peers as processes of their own on loopback. Bob's
 * phone registers at one, Alice calls him through another, the peer that owns
 * Bob's record is killed without warning, and Alice calls again.
 */
import type { ChildProcess } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { styleText } from "node:util"
import { startDaemon, type Daemon } from "../bench/daemon.ts"
import { silentLogger } from "../runtime/log.ts"
import { noMetrics } from "../runtime/metrics.ts"
import { NodeRuntime } from "../runtime/node.ts"
import type { Call } from "../sip/agent/index.ts"
import { UserAgent } from "../sip/agent/index.ts"
import { UdpTransport } from "../sip/transport/index.ts"
import { ApiClient } from "./api-client.ts"

const peerCount = 5
const domain = "demo.example"
const bobsAddress = `sip:bob@${domain}`
const deadlineMs = 60_000

const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
const children = new Set<ChildProcess>()
const agents: UserAgent[] = []
const startedAt = performance.now()

/** One of the five. */
interface DemoPeer {
  readonly name: string
  readonly daemon: Daemon
  readonly api: ApiClient
}

process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})
process.once("SIGINT", () => process.exit(130))
process.once("SIGTERM", () => process.exit(143))
setTimeout(() => fail(new Error(`the demonstration takes longer than ${deadlineMs / 1000} s`)), deadlineMs).unref()

try {
  await demonstrate()
  process.exit(0)
} catch (error) {
  fail(error)
}

async function demonstrate(): Promise<void> {
  console.log(`Peer-to-peer SIP: ${peerCount} peers, two phones, no server.\n`)

  step(`Starting ${peerCount} peers, each a process of its own on 127.0.0.1`)
  const peers = await startPeers()
  for (const { name, daemon } of peers) detail(`${name}  …${daemon.ready.peerId.slice(-8)}  process ${daemon.pid}, phones at ${daemon.ready.sip[0]}`)
  await untilAllKnown(peers)
  detail("each knows the four others")

  step("Who will keep Bob's record?")
  const owner = await ownerOfBob(peers, peers[0])
  const [peerOfBob, peerOfAlice] = peers.filter((peer) => peer !== owner)
  if (peerOfBob === undefined || peerOfAlice === undefined) throw new Error("there are not enough peers")
  detail(`${owner.name} owns the key ${bobsAddress}; Bob's phone will use ${peerOfBob.name}, Alice's ${peerOfAlice.name}`)

  step(`Bob's phone registers at ${peerOfBob.name}`)
  const bob = await createPhone("bob", peerOfBob)
  const alice = await createPhone("alice", peerOfAlice)
  const registered = await bob.register()
  if (registered.kind === "failed") throw new Error(`the registration failed: ${registered.status} ${registered.reason}`)
  detail(`200 OK, bound to ${registered.contacts.join(", ")} for ${registered.expiresSeconds} s`)
  detail(`the record is now at ${await whereIsBob(peers, peerOfAlice)}`)

  step(`Alice calls Bob through ${peerOfAlice.name}`)
  detail(await callBob(alice))

  step(`${owner.name}, which owns Bob's record, is killed (SIGKILL)`)
  await owner.daemon.end("SIGKILL")
  detail("the process is gone; it told nobody")

  step("Alice calls Bob again, at once")
  detail(await callBob(alice))
  const survivors = peers.filter((peer) => peer !== owner)
  detail(`the record is now at ${await whereIsBob(survivors, peerOfAlice)}`)

  step("The phones and the other peers leave")
  await bob.unregister()
  await Promise.all(agents.map((agent) => agent.stop()))
  const codes = await Promise.all(survivors.map(({ daemon }) => daemon.end("SIGTERM")))
  detail(`exit codes ${codes.join(", ")}`)
  if (codes.some((code) => code !== 0)) throw new Error("a peer did not leave properly")
  console.log(styleText("green", `\nThe call worked with one peer killed. ${((performance.now() - startedAt) / 1000).toFixed(1)} s in all.`))
}

async function startPeers(): Promise<DemoPeer[]> {
  const start = async (index: number, bootstrap: readonly string[]): Promise<DemoPeer> => {
    const args = ["--domain", domain, "--sip", "udp:127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error"]
    const daemon = await startDaemon([...args, ...bootstrap.flatMap((address) => ["--bootstrap", address])], (child) => {
      children.add(child)
      child.once("exit", () => children.delete(child))
    })
    return { name: `peer ${index + 1}`, daemon, api: new ApiClient(daemon.ready.http ?? "") }
  }
  const first = await start(0, [])
  const others = Array.from({ length: peerCount - 1 }, (_, index) => start(index + 1, first.daemon.ready.listen))
  return [first, ...(await Promise.all(others))]
}

async function untilAllKnown(peers: readonly DemoPeer[]): Promise<void> {
  for (;;) {
    const statuses = await Promise.all(peers.map(({ api }) => api.status()))
    if (statuses.every(({ servlet }) => servlet.peersKnown >= peers.length - 1)) return
    await sleep(50)
  }
}

async function ownerOfBob(peers: readonly DemoPeer[], asked: DemoPeer | undefined): Promise<DemoPeer> {
  const [owner] = asked === undefined ? [] : await holdersOfBob(peers, asked)
  if (owner === undefined) throw new Error("the look-up found no owner")
  return owner
}

async function whereIsBob(peers: readonly DemoPeer[], asked: DemoPeer): Promise<string> {
  const [owner, ...copies] = await holdersOfBob(peers, asked)
  return `${owner?.name ?? "nobody"} (owner)${copies.map(({ name }) => `, ${name} (copy)`).join("")}`
}

/** The peers that keep Bob's record, the owner first. */
async function holdersOfBob(peers: readonly DemoPeer[], asked: DemoPeer): Promise<DemoPeer[]> {
  for await (const event of asked.api.lookup(bobsAddress)) {
    if (event.name === "failed") throw new Error(`the look-up failed: ${event.message}`)
    if (event.name !== "done") continue
    const ids = new Set([event.owner.peerId, ...event.replicas.map(({ peerId }) => peerId)])
    return [...ids].flatMap((id) => peers.filter(({ daemon }) => daemon.ready.peerId === id))
  }
  throw new Error("the look-up ended without a result")
}

async function createPhone(name: string, peer: DemoPeer): Promise<UserAgent> {
  const transport = new UdpTransport({ runtime }, { port: 0 })
  const proxy = { host: "127.0.0.1", port: peer.daemon.sipPort("udp") }
  const agent = new UserAgent({ runtime, transport }, { addressOfRecord: `sip:${name}@${domain}`, proxy })
  await agent.start()
  agents.push(agent)
  agent.onEvent((event) => {
    if (event.name !== "incoming") return
    event.call.ring()
    event.call.answer()
  })
  return agent
}

/** Calls until the call is up, as a person would press redial, and hangs up; tells how it went. */
async function callBob(alice: UserAgent): Promise<string> {
  const start = performance.now()
  for (let attempt = 1; ; attempt++) {
    const call: Call = alice.call(bobsAddress)
    const outcome = await call.outcome
    if (outcome.kind === "established") {
      const elapsedMs = Math.round(performance.now() - start)
      call.hangUp()
      await call.ended
      return `it rang, Bob answered, both hung up; the call was up after ${elapsedMs} ms${attempt === 1 ? "" : `, at attempt ${attempt}`}`
    }
    detail(`${outcome.status} ${outcome.reason}`)
    if (attempt === 20) throw new Error("the call does not come about")
    await sleep(250)
  }
}

function step(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(4)
  console.log(`${styleText("dim", `${seconds} s`)}  ${styleText("bold", text)}`)
}

function detail(text: string): void {
  console.log(`        ${text}`)
}

function fail(error: unknown): never {
  console.error(`\nThe demonstration failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
