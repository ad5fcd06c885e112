/** Sockets of the mesh on network interfaces, where the system refuses something: none is left behind, or the port would never be free again. */
import { EventEmitter } from "node:events"
import { beforeEach, expect, test, vi } from "vitest"
import { group4, UdpEther } from "../../../backends/ssr/udp-ether.ts"
import { Simulation } from "../../../src/sim/index.ts"

const loopback = "127.0.0.1"
const system = vi.hoisted(() => ({ open: new Set<string>(), refused: new Set<string>(), memberships: [] as string[] }))

vi.mock("node:os", () => ({
  networkInterfaces: () => {
    if (system.refused.has("interfaces")) throw new Error("refused")
    return { lo: [{ family: "IPv4", address: "127.0.0.1", cidr: "127.0.0.1/8", mac: "00:00:00:00:00:00" }] }
  },
}))

vi.mock("node:dgram", () => ({
  createSocket: () => {
    const socket = new EventEmitter()
    let name = ""
    return Object.assign(socket, {
      bind: ({ address }: { readonly address: string }, bound: () => void) => {
        name = address
        queueMicrotask(() => {
          if (system.refused.has(`bind ${address}`)) return void socket.emit("error", Object.assign(new Error("refused"), { code: "EADDRINUSE" }))
          system.open.add(address)
          bound()
        })
      },
      close: (closed?: () => void) => {
        system.open.delete(name)
        closed?.()
      },
      addMembership: (_group: string, on: string) => {
        if (system.refused.has(`join ${on}`)) throw new Error("refused")
        system.memberships.push(on)
      },
      setMulticastInterface: () => undefined,
      setMulticastLoopback: () => undefined,
    })
  },
}))

function newEther(): { simulation: Simulation; ether: UdpEther } {
  const simulation = new Simulation({ seed: 1 })
  return { simulation, ether: new UdpEther({ runtime: simulation.addPeer("a").runtime }, { interfaces: ["lo"], port: 4748 }) }
}

beforeEach(() => {
  system.open.clear()
  system.refused.clear()
  system.memberships.length = 0
})

test("a port that is in use for IPv4 is not kept for IPv6", async () => {
  const { ether } = newEther()
  system.refused.add(`bind ${group4}`)
  await expect(ether.open()).rejects.toMatchObject({ code: "P2PSIP_PORT_IN_USE" })
  expect([...system.open]).toEqual([])
})

test("an interface whose group cannot be joined yet is tried again, with a socket of its own", async () => {
  const { simulation, ether } = newEther()
  system.refused.add(`join ${loopback}`)
  await ether.open()
  expect([...system.open]).not.toContain(loopback)
  expect([...ether.interfaces()]).toEqual([])
  system.refused.clear()
  await simulation.run(1_500)
  expect([...ether.interfaces()]).toEqual(["lo IPv4"])
  expect(system.memberships).toEqual([loopback])
})

test("a system that does not tell its interfaces, as where it has no file descriptor left, is asked again", async () => {
  const { simulation, ether } = newEther()
  await ether.open()
  system.refused.add("interfaces")
  await simulation.run(6_000)
  expect([...ether.interfaces()]).toEqual(["lo IPv4"])
  system.refused.clear()
  system.memberships.length = 0
  await simulation.run(1_500)
  expect(system.memberships).toEqual([loopback])
  await ether.close()
})

test("one that is closed while it looks at its interfaces leaves no socket open", async () => {
  const { ether } = newEther()
  const opening = ether.open()
  for (let turn = 0; turn < 100 && !system.open.has(group4); turn++) await Promise.resolve()
  for (let turn = 0; turn < 4; turn++) await Promise.resolve()
  await ether.close()
  await opening
  expect([...system.open]).toEqual([])
})
