import { expect, test, vi } from "vitest"
import { channels, type Link } from "../../../src/link/link.ts"
import { MemoryLink, MemoryNetwork } from "../../../src/link/memory.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { linkContract } from "./link-contract.ts"

linkContract("MemoryLink", () => {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const network = new MemoryNetwork()
  const links: Link[] = []
  async function start(peerId?: string): Promise<Link> {
    const link = new MemoryLink({ runtime, network }, peerId === undefined ? {} : { peerId })
    await link.start()
    links.push(link)
    return link
  }
  return {
    create: () => start(),
    kill: async (link) => network.kill(link.self.peerId),
    restart: (link) => start(link.self.peerId),
    deadAddress: "/memory/nobody",
    close: async () => void await Promise.all(links.map((link) => link.stop())),
  }
})

test("frames between two peers that are cut apart are lost, and counted", async () => {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork()
  const [a, b] = [new MemoryLink({ runtime, network }), new MemoryLink({ runtime, network })]
  await Promise.all([a.start(), b.start()])
  a.learn(b.self)
  const receive = vi.fn()
  const onPeer = vi.fn()
  b.onFrame(channels.overlay, receive)
  a.onPeer(onPeer)

  a.send(b.self.peerId, channels.overlay, new Uint8Array(1))
  runtime.runDeferred()
  expect(receive).toHaveBeenCalledTimes(1)

  network.cut(a.self.peerId, b.self.peerId)
  a.send(b.self.peerId, channels.overlay, new Uint8Array(1))
  runtime.runDeferred()
  expect(receive).toHaveBeenCalledTimes(1)
  expect(runtime.metrics.count("p2psip_link_drops_total", { reason: "unreachable" })).toBe(1)

  network.mend(a.self.peerId, b.self.peerId)
  a.send(b.self.peerId, channels.overlay, new Uint8Array(1))
  runtime.runDeferred()
  expect(receive).toHaveBeenCalledTimes(2)
  expect(onPeer.mock.calls.map(([event]) => (event as { name: string }).name)).toEqual(["up", "down", "down", "up"])
})

test("the table of known peers is bounded; the one unheard of for longest goes first", async () => {
  const runtime = new ManualRuntime()
  const link = new MemoryLink({ runtime, network: new MemoryNetwork() }, { maxKnownPeers: 2 })
  await link.start()
  for (const peerId of ["x", "y", "x", "z"]) link.learn({ peerId, addresses: [] })
  expect(["x", "y", "z"].map((peerId) => link.send(peerId, channels.overlay, new Uint8Array(1)))).toEqual([true, false, true])
})
