import { expect, test } from "vitest"
import { channels } from "../../../src/link/link.ts"
import { Simulation } from "../../../src/sim/index.ts"

test("a reset loses part of what was on its way, tells both ends, and lets them connect anew", async () => {
  const simulation = new Simulation({ seed: 1, latency: 10 })
  const [a, b] = [simulation.addPeer("a"), simulation.addPeer("b")]
  await simulation.wait(Promise.all([a.link.start(), b.link.start()]))
  await simulation.wait(a.link.resolve("/sim/b"))
  const received: number[] = []
  const events: string[] = []
  b.link.onFrame(channels.overlay, (_from, frame) => void received.push(frame[0] ?? 0))
  a.link.onPeer(({ name, peerId }) => void events.push(`a: ${peerId} ${name}`))
  b.link.onPeer(({ name, peerId }) => void events.push(`b: ${peerId} ${name}`))
  a.link.send("b", channels.overlay, Uint8Array.of(0))
  await simulation.run(1000)
  for (let number = 1; number <= 40; number++) a.link.send("b", channels.overlay, Uint8Array.of(number))
  simulation.network.resetConnections(1)
  await simulation.run(1000)
  const arrived = received.length
  expect(arrived).toBeGreaterThan(5)
  expect(arrived).toBeLessThan(36)
  expect(new Set(received).size).toBe(arrived)
  a.link.send("b", channels.overlay, Uint8Array.of(99))
  await simulation.run(1000)
  expect(received.at(-1)).toBe(99)
  expect(events).toEqual(["a: b up", "b: a up", "a: b down", "b: a down", "a: b up", "b: a up"])
  expect(simulation.network.dropped.reset).toBe(41 - arrived)
})
