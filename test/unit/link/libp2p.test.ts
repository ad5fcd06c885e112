import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { noise } from "@chainsafe/libp2p-noise"
import type { Libp2p, PrivateKey } from "@libp2p/interface"
import { tcp } from "@libp2p/tcp"
import { yamux } from "@libp2p/yamux"
import { multiaddr } from "@multiformats/multiaddr"
import { createLibp2p } from "libp2p"
import { afterEach, describe, expect, test, vi } from "vitest"
import { encodeFrames } from "../../../src/link/frames.ts"
import { createKey } from "../../../src/link/identity.ts"
import { createLibp2pLink, Libp2pLink } from "../../../src/link/libp2p.ts"
import type { Libp2pLinkOptions } from "../../../src/link/libp2p-options.ts"
import { channels, type Link } from "../../../src/link/link.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { RegistryMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import { linkContract } from "./link-contract.ts"

const portOf = (link: Link): string => link.self.addresses[0]?.split("/p2p/")[0] ?? ""

linkContract("Libp2pLink", () => {
  const keys = new Map<Link, PrivateKey>()
  async function start(privateKey: PrivateKey, listen: string): Promise<Link> {
    const runtime = new NodeRuntime({}, { log: silentLogger })
    const link = new Libp2pLink({ runtime, privateKey }, { listen: [listen], maxBackoffMs: 200 })
    await link.start()
    keys.set(link, privateKey)
    return link
  }
  return {
    create: async () => start(await createKey(), "/ip4/127.0.0.1/tcp/0"),
    kill: (link) => link.stop(),
    restart: async (link) => start(keys.get(link) ?? await createKey(), portOf(link)),
    deadAddress: "/ip4/127.0.0.1/tcp/1",
    close: async () => void await Promise.all([...keys.keys()].map((link) => link.stop())),
  }
})

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function createLink(options: Partial<Libp2pLinkOptions> & { dataFolder?: string } = {}): Promise<{
  link: Libp2pLink
  drops: (reason: string) => number
}> {
  const metrics = new RegistryMetrics()
  const link = await createLibp2pLink({ runtime: new NodeRuntime({}, { log: silentLogger, metrics }) }, options)
  cleanUps.push(() => link.stop())
  return { link, drops: (reason) => metrics.counts()[`p2psip_link_drops_total{reason="${reason}"}`] ?? 0 }
}

/** A libp2p node that knows nothing of frames. */
async function createStranger(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
  cleanUps.push(async () => node.stop())
  return node
}

describe("hostile streams", () => {
  test.each([
    ["a length without end", Buffer.alloc(64, 0xff)],
    ["a frame that is too long", encodeFrames([{ channel: 1, frame: Buffer.alloc(5000) }])],
    ["an empty frame", Buffer.of(0)],
  ])("%s ends the stream, is counted, and harms nobody else", async (_name, bytes) => {
    const { link, drops } = await createLink({ maxFrameBytes: 1000 })
    await link.start()
    const stranger = await createStranger()
    const stream = await stranger.dialProtocol(multiaddr(link.self.addresses[0] ?? ""), "/p2psip/1.0.0")
    stream.send(bytes)
    await vi.waitFor(() => expect(stream.status).toBe("reset"))
    expect(drops("bad-frame")).toBe(1)

    const friend = await createLink()
    await friend.link.start()
    const received = vi.fn()
    link.onFrame(channels.overlay, received)
    friend.link.learn(link.self)
    friend.link.send(link.self.peerId, channels.overlay, Buffer.of(1))
    await vi.waitFor(() => expect(received).toHaveBeenCalledTimes(1))
  })

  test("a stream that ends within a frame is counted", async () => {
    const { link, drops } = await createLink()
    await link.start()
    const stranger = await createStranger()
    const stream = await stranger.dialProtocol(multiaddr(link.self.addresses[0] ?? ""), "/p2psip/1.0.0")
    stream.send(encodeFrames([{ channel: 1, frame: Buffer.alloc(100) }]).subarray(0, 50))
    await stream.close()
    await vi.waitFor(() => expect(drops("bad-frame")).toBe(1))
  })

  test("frames on a channel that nobody listens to are dropped and counted", async () => {
    const { link, drops } = await createLink()
    await link.start()
    const stranger = await createStranger()
    const stream = await stranger.dialProtocol(multiaddr(link.self.addresses[0] ?? ""), "/p2psip/1.0.0")
    stream.send(encodeFrames(Array.from({ length: 10 }, () => ({ channel: 77, frame: Buffer.of(1) }))))
    await vi.waitFor(() => expect(drops("no-receiver")).toBe(10))
    expect(stream.status).toBe("open")
  })
})

test("severs the connection to a peer that gives no sign of life", async () => {
  const { link } = await createLink({ keepAliveMs: 20, keepAliveTimeoutMs: 20 })
  await link.start()
  const stranger = await createStranger()
  await stranger.handle("/p2psip/1.0.0", (stream) => stream.addEventListener("message", () => undefined))
  const events: string[] = []
  link.onPeer(({ name }) => events.push(name))
  link.learn({ peerId: stranger.peerId.toString(), addresses: stranger.getMultiaddrs().map(String) })
  expect(link.send(stranger.peerId.toString(), channels.overlay, Buffer.of(1))).toBe(true)
  await vi.waitFor(() => expect(events).toEqual(["up", "down"]))
})

test("two silent peers keep their connection by asking each other for signs of life", async () => {
  const [a, b] = [await createLink({ keepAliveMs: 10, keepAliveTimeoutMs: 5000 }), await createLink({ keepAliveMs: 10 })]
  await Promise.all([a.link.start(), b.link.start()])
  const events: string[] = []
  a.link.onPeer(({ name }) => events.push(name))
  a.link.learn(b.link.self)
  a.link.send(b.link.self.peerId, channels.overlay, Buffer.of(1))
  await vi.waitFor(() => expect(events).toEqual(["up"]))
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(events).toEqual(["up"])
})

test("frames that nobody answers go on arriving, far beyond the window of a stream", async () => {
  const [a, b] = [await createLink(), await createLink()]
  await Promise.all([a.link.start(), b.link.start()])
  const received: number[] = []
  b.link.onFrame(channels.overlay, (_from, frame) => received.push(Buffer.from(frame).readUInt32BE()))
  a.link.learn(b.link.self)
  const count = 400
  const frame = Buffer.alloc(10_000)
  for (let sent = 0; sent < count;) {
    frame.writeUInt32BE(sent)
    if (a.link.send(b.link.self.peerId, channels.overlay, Buffer.from(frame))) sent++
    else await new Promise(setImmediate)
  }
  await vi.waitFor(() => expect(received).toHaveLength(count), 10_000)
  expect(received).toEqual(Array.from({ length: count }, (_, index) => index))
})

test("no exception is thrown where a read ends between two messages", async () => {
  const [a, b] = [await createLink(), await createLink()]
  await Promise.all([a.link.start(), b.link.start()])
  const echoed = vi.fn()
  b.link.onFrame(channels.overlay, (from, frame) => void b.link.send(from, channels.overlay, frame))
  a.link.onFrame(channels.overlay, echoed)
  a.link.learn(b.link.self)
  const ask = async (count: number): Promise<void> => {
    a.link.send(b.link.self.peerId, channels.overlay, Buffer.of(1))
    await vi.waitFor(() => expect(echoed).toHaveBeenCalledTimes(count))
  }
  await ask(1)
  const errors = vi.spyOn(globalThis, "RangeError")
  try {
    await ask(2)
    await ask(3)
    expect(errors).not.toHaveBeenCalled()
  } finally {
    errors.mockRestore()
  }
})

test("drops what waits for a peer that cannot be reached, and says that it may be dead", async () => {
  const { link, drops } = await createLink({ minBackoffMs: 1, maxBackoffMs: 5, maxQueuedMs: 10 })
  await link.start()
  const key = await createLink()
  const events: string[] = []
  link.onPeer(({ name }) => events.push(name))
  link.learn({ peerId: key.link.self.peerId, addresses: ["/ip4/127.0.0.1/tcp/1"] })
  expect(link.send(key.link.self.peerId, channels.overlay, Buffer.of(1))).toBe(true)
  await vi.waitFor(() => expect(drops("unreachable")).toBe(1))
  expect(new Set(events)).toEqual(new Set(["down"]))
})

test("nobody else answers for a peer: an address where another peer listens does not count", async () => {
  const [a, b, c] = [await createLink({ maxQueuedMs: 0 }), await createLink(), await createLink()]
  await Promise.all([a.link.start(), b.link.start()])
  const received = vi.fn()
  b.link.onFrame(channels.overlay, received)
  a.link.learn({ peerId: c.link.self.peerId, addresses: [portOf(b.link)] })
  a.link.send(c.link.self.peerId, channels.overlay, Buffer.of(1))
  await vi.waitFor(() => expect(a.drops("unreachable")).toBe(1))
  expect(received).not.toHaveBeenCalled()
})

test("says that a port is in use, in one line that names it", async () => {
  const first = await createLink()
  await first.link.start()
  const second = await createLink({ listen: [portOf(first.link)] })
  await expect(second.link.start()).rejects.toMatchObject({ code: "P2PSIP_PORT_IN_USE" })
})

describe("identity", () => {
  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "p2psip-key-"))
    cleanUps.push(() => rm(path, { recursive: true, force: true }))
    return path
  }

  test("a peer with a data folder is the same peer after a restart; only its owner can read the key", async () => {
    const dataFolder = join(await folder(), "peer")
    const first = await createLink({ dataFolder })
    const second = await createLink({ dataFolder })
    expect(second.link.self.peerId).toBe(first.link.self.peerId)
    expect((await stat(join(dataFolder, "peer.key"))).mode & 0o777).toBe(0o600)
    expect((await readFile(join(dataFolder, "peer.key"), "latin1")).trim()).toMatch(/^[A-Za-z0-9+/=]+$/)
  })

  test("a spoilt key file is named, never replaced", async () => {
    const dataFolder = await folder()
    await writeFile(join(dataFolder, "peer.key"), "no key at all")
    await expect(createLink({ dataFolder })).rejects.toMatchObject({ code: "P2PSIP_STORAGE" })
    expect(await readFile(join(dataFolder, "peer.key"), "latin1")).toBe("no key at all")
  })

  test("a folder that cannot be made is named", async () => {
    const file = join(await folder(), "file")
    await writeFile(file, "")
    await expect(createLink({ dataFolder: join(file, "peer") })).rejects.toThrow(/data folder .*expected to read or create peer.key/)
  })
})
