import { expect, test } from "vitest"
import { channels } from "../../../src/link/link.ts"
import { Simulation, simAddress } from "../../../src/sim/index.ts"

async function twoPeers() {
  const simulation = new Simulation({ seed: 1, latency: 10, network: { dialRoundTrips: 0 } })
  const [a, b] = [simulation.addPeer("a"), simulation.addPeer("b")]
  const seen: string[] = []
  const note = (what: string): void => void seen.push(`${simulation.now} ${what}`)
  for (const peer of [a, b]) {
    for (const other of ["a", "b"]) peer.link.learn(simAddress(other))
    peer.link.onFrame(channels.overlay, (_from, frame) => note(`${peer.name} got ${frame[0]}`))
    await peer.link.start()
  }
  return { simulation, a, b, seen, note }
}

test("what happens to a process that stands still happens afterwards, in order and one by one", async () => {
  const { simulation, a, b, seen, note } = await twoPeers()
  b.stall(100)
  for (const [number, sentAt] of [[1, 0], [2, 20], [3, 90], [4, 120]] as const) {
    simulation.after(sentAt, () => a.link.send("b", channels.overlay, Uint8Array.of(number)))
  }
  b.runtime.setTimer(50, () => {
    note("timer of 50")
    void Promise.resolve().then(() => note("what follows from it"))
  })
  const cancelled = b.runtime.setTimer(60, () => note("never"))
  simulation.after(80, () => cancelled.cancel())
  await simulation.run(200)
  expect(seen).toEqual(["100 b got 1", "100 b got 2", "100 timer of 50", "100 what follows from it", "100 b got 3", "130 b got 4"])
})

test("what is sent after waiting leaves after it, and a second wait holds up what is left of the first", async () => {
  const { simulation, a, b, seen, note } = await twoPeers()
  a.runtime.setTimer(5, () => {
    a.stall(100)
    a.link.send("b", channels.overlay, Uint8Array.of(1))
  })
  a.runtime.setTimer(10, () => {
    note("first timer")
    a.stall(50)
  })
  a.runtime.setTimer(20, () => note("second timer"))
  await simulation.run(500)
  expect(seen).toEqual(["105 first timer", "115 b got 1", "155 second timer"])
  expect(b.isUp).toBe(true)
})

test("nothing is left of what a dead process was to do", async () => {
  const { simulation, a, b, seen, note } = await twoPeers()
  b.stall(100)
  a.link.send("b", channels.overlay, Uint8Array.of(1))
  b.runtime.setTimer(50, () => note("never"))
  simulation.after(70, () => b.crash())
  await simulation.run(500)
  expect(seen).toEqual([])
})
