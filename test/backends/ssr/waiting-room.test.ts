import { expect, test } from "vitest"
import type { Packet } from "../../../backends/ssr/packet.ts"
import { packetTypes, payloadTypes } from "../../../backends/ssr/packet.ts"
import { WaitingRoom } from "../../../backends/ssr/waiting-room.ts"
import { Simulation } from "../../../src/sim/index.ts"
import { TestMesh } from "./mesh.ts"

function packetTo(destination: number): Packet {
  return { type: packetTypes.connect, stub: [], route: [1], hop: 0, destination, payloadType: payloadTypes.application, payload: Buffer.from([destination]) }
}

function newRoom(): { simulation: Simulation; room: WaitingRoom; open: Set<number>; gone: number[]; givenUp: number[] } {
  const simulation = new Simulation({ seed: 1 })
  const [open, gone, givenUp] = [new Set<number>(), [] as number[], [] as number[]]
  const room = new WaitingRoom(simulation.addPeer("a").runtime, {
    retry: ({ destination }) => open.has(destination) && gone.push(destination) > 0,
    giveUp: ({ destination }) => void givenUp.push(destination),
  })
  return { simulation, room, open, gone, givenUp }
}

test("packets go on when a way turns up, in the order in which they came", async () => {
  const { simulation, room, open, gone, givenUp } = newRoom()
  for (const destination of [2, 2, 3]) room.add(packetTo(destination))
  open.add(2)
  await simulation.run(150)
  expect(gone).toEqual([2, 2])
  open.add(3)
  room.onLearned([3])
  expect(gone).toEqual([2, 2, 3])
  await simulation.run(10_000)
  expect(givenUp).toEqual([])
})

test("packets that wait in vain are given up, each once", async () => {
  const { simulation, room, givenUp } = newRoom()
  for (const destination of [2, 3, 2]) room.add(packetTo(destination))
  await simulation.run(1_000)
  expect(givenUp).toEqual([])
  await simulation.run(1_000)
  expect([...givenUp].sort()).toEqual([2, 2, 3])
  await simulation.run(10_000)
  expect(givenUp).toHaveLength(3)
})

test("there is room for 64, and for others when these have gone", async () => {
  const { simulation, room, open } = newRoom()
  for (let destination = 2; destination < 66; destination++) expect(room.add(packetTo(destination))).toBe(true)
  expect(room.add(packetTo(2))).toBe(false)
  open.add(7)
  await simulation.run(150)
  expect(room.add(packetTo(8))).toBe(true)
  expect(room.add(packetTo(8))).toBe(false)
  await simulation.run(10_000)
  expect(room.add(packetTo(8))).toBe(true)
})

test("a packet that comes back while it is tried waits on", async () => {
  const simulation = new Simulation({ seed: 1 })
  const outcomes: string[] = []
  const room: WaitingRoom = new WaitingRoom(simulation.addPeer("a").runtime, {
    retry: (packet) => room.add(packet),
    giveUp: () => void outcomes.push("given up"),
  })
  room.add(packetTo(2))
  await simulation.run(10_000)
  expect(outcomes).toEqual(["given up"])
})

test("a packet outlives the moment in which its last link is gone", async () => {
  const mesh = new TestMesh(1)
  for (const [a, b] of [[10, 20], [20, 30], [20, 40], [40, 30]] as const) mesh.medium.link(a, b)
  for (const address of [10, 20, 30, 40]) mesh.add(address)
  await mesh.simulation.run(10_000)
  mesh.medium.unlink(20, 30)
  mesh.medium.unlink(40, 30)
  mesh.nodes.get(10)?.send(30, Buffer.from("late"))
  await mesh.simulation.run(300)
  expect(mesh.arrivals).toEqual([])
  mesh.medium.link(40, 30)
  await mesh.simulation.run(1_000)
  expect(mesh.arrivals).toEqual([{ at: 30, source: 10, text: "late", isExact: true }])
})
