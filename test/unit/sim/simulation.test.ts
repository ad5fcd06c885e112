import { expect, test } from "vitest"
import { channels } from "../../../src/link/link.ts"
import { Simulation, simAddress } from "../../../src/sim/index.ts"
import type { SimPeer, SimulationOptions } from "../../../src/sim/index.ts"

const text = (frame: Uint8Array): string => Buffer.from(frame).toString()
const bytes = (content: string): Uint8Array => Buffer.from(content)

/** Peers that know each other's addresses and note what they get. */
async function world(names: string[], options: Partial<SimulationOptions> = {}) {
  const simulation = new Simulation({ seed: 1, ...options })
  const got: string[] = []
  const peers = names.map((name) => {
    const peer = simulation.addPeer(name)
    peer.link.onFrame(channels.overlay, (from, frame) => got.push(`${from}>${name} ${text(frame)}`))
    peer.link.onPeer((event) => got.push(`${name} ${event.name} ${event.peerId}`))
    for (const other of names) peer.link.learn(simAddress(other))
    return peer
  })
  for (const peer of peers) await peer.link.start()
  return { simulation, peers: peers as [SimPeer, SimPeer, ...SimPeer[]], got }
}

test("a frame takes the dial and the latency, and later ones only the latency", async () => {
  const { simulation, peers, got } = await world(["a", "b"], { latency: 10 })
  peers[0].link.send("b", channels.overlay, bytes("1"))
  await simulation.run(29)
  expect(got).toEqual(["a up b", "b up a"])
  await simulation.run(1)
  expect(got).toContain("a>b 1")
  peers[1].link.send("a", channels.overlay, bytes("2"))
  await simulation.run(10)
  expect(got).toContain("b>a 2")
})

test("frames of one pair stay in order whatever the jitter", async () => {
  const { simulation, peers, got } = await world(["a", "b"], { network: { jitter: 5 } })
  for (let index = 0; index < 200; index++) {
    simulation.after(index, () => peers[0].link.send("b", channels.overlay, bytes(`${index}`)))
  }
  await simulation.run(10_000)
  const numbers = got.filter((line) => line.startsWith("a>b")).map((line) => Number(line.slice(4)))
  expect(numbers).toEqual(Array.from({ length: 200 }, (_, index) => index))
})

test("promises settle before the next event, however long their chain", async () => {
  const { simulation, peers } = await world(["a"])
  const seen: string[] = []
  const chain = async (depth: number): Promise<void> => {
    if (depth > 0) await chain(depth - 1)
  }
  peers[0].runtime.setTimer(1, () => {
    void chain(100).then(() => seen.push(`chain at ${simulation.now}`))
  })
  peers[0].runtime.setTimer(1, () => seen.push("next event"))
  await simulation.run(10)
  expect(seen).toEqual(["chain at 1", "next event"])
})

test("a crashed peer's timers do not fire, and frames on their way to it are lost", async () => {
  const { simulation, peers, got } = await world(["a", "b"], { network: { resetOnCrash: 1 } })
  peers[0].link.send("b", channels.overlay, bytes("first"))
  await simulation.run(1000)
  peers[1].runtime.setTimer(50, () => got.push("timer of the dead"))
  peers[0].link.send("b", channels.overlay, bytes("too late"))
  peers[1].crash()
  await simulation.run(1000)
  expect(got.slice(2)).toEqual(["a>b first", "a down b"])
  expect(simulation.network.dropped.down).toBe(1)
})

test("a restarted peer is a new process: it hears nothing that was meant for the old one", async () => {
  const { simulation, peers, got } = await world(["a", "b"])
  peers[0].link.send("b", channels.overlay, bytes("to the old"))
  peers[1].crash()
  const reborn = simulation.addPeer("b")
  reborn.link.onFrame(channels.overlay, (from, frame) => got.push(`new: ${from} ${text(frame)}`))
  await reborn.link.start()
  await simulation.run(1000)
  peers[0].link.send("b", channels.overlay, bytes("to the new"))
  await simulation.run(1000)
  expect(got.filter((line) => line.startsWith("new"))).toEqual(["new: a to the new"])
})

test("a partition stops frames, breaks connections after a while, and heals", async () => {
  const { simulation, peers, got } = await world(["a", "b", "c"], { network: { breakAfterMs: 5000 } })
  const say = (what: string): void => {
    peers[0].link.send("b", channels.overlay, bytes(what))
    peers[0].link.send("c", channels.overlay, bytes(what))
  }
  say("before")
  await simulation.run(1000)
  got.length = 0
  simulation.network.partition([["a", "c"], ["b"]])
  say("during")
  await simulation.run(6000)
  expect(got).toEqual(["a>c during", "a down b", "b down a"])
  simulation.network.heal()
  say("after")
  await simulation.run(1000)
  expect(got).toContain("a>b after")
})

test("addresses must be learnt before a frame can be sent, as on a real Link", async () => {
  const simulation = new Simulation({ seed: 1 })
  const a = simulation.addPeer("a")
  const b = simulation.addPeer("b")
  await a.link.start()
  await b.link.start()
  expect(a.link.send("b", channels.overlay, bytes("x"))).toBe(false)
  expect(await simulation.wait(a.link.resolve("/sim/b"))).toEqual(simAddress("b"))
  expect(a.link.send("b", channels.overlay, bytes("x"))).toBe(true)
  await expect(simulation.wait(a.link.resolve("/sim/nobody"))).rejects.toMatchObject({ code: "P2PSIP_UNREACHABLE" })
})

test("an error in an event ends the run", async () => {
  const { simulation, peers } = await world(["a"])
  peers[0].runtime.setTimer(5, () => {
    throw new Error("a bug")
  })
  await expect(simulation.run(10)).rejects.toThrow("a bug")
  await simulation.run(10)
  expect(simulation.now).toBe(15)
})

test("equal seeds give equal runs, other seeds other runs", async () => {
  const gossip = async (seed: number): Promise<string> => {
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`)
    const { simulation, peers } = await world(names, { seed, network: { lossRate: 0.05, jitter: 0.5 } })
    for (const peer of peers) {
      const tell = (): void => {
        const to = names[peer.runtime.random.uint32() % names.length] as string
        peer.link.send(to, channels.overlay, peer.runtime.random.bytes(16))
        peer.runtime.setTimer(100 * peer.runtime.random.float(), tell)
      }
      tell()
    }
    await simulation.run(5000)
    return `${simulation.events} ${simulation.eventHash}`
  }
  expect(await gossip(1)).toBe(await gossip(1))
  expect(await gossip(1)).not.toBe(await gossip(2))
})

test("wall clocks can be wrong without touching timers", async () => {
  const { simulation, peers } = await world(["a", "b"])
  peers[1].runtime.clockError.skewMs = -60_000
  await simulation.run(500)
  expect(peers[0].runtime.wallClock() - peers[1].runtime.wallClock()).toBe(60_000)
  expect(peers[1].runtime.now()).toBe(500)
})

test("waiting for the rest of a fractional time ends", async () => {
  const { simulation, peers } = await world(["a"])
  const { runtime } = peers[0]
  await simulation.run(17_029.025938829887)
  let wakeUps = 0
  const deadline = runtime.now() + 10_000.1
  const waitForRest = (): void => {
    wakeUps++
    if (runtime.now() < deadline) runtime.setTimer(deadline - runtime.now(), waitForRest)
  }
  waitForRest()
  await simulation.run(20_000)
  expect(wakeUps).toBeLessThan(4)
})
