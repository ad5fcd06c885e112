import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import type { PeerConfigInput } from "../../../src/peer/config.ts"
import { createPeer, type Peer } from "../../../src/peer/peer.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics, RegistryMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import { UserAgent } from "../../../src/sip/agent/index.ts"
import { UdpTransport } from "../../../src/sip/transport/index.ts"

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "p2psip-durable-"))
  ends.push(() => rm(folder, { recursive: true }))
  return folder
}

async function start(input: PeerConfigInput): Promise<Peer> {
  const metrics = new RegistryMetrics()
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics })
  const peer = await createPeer({ domains: ["example.org"], sip: ["udp:127.0.0.1:0"], ...input }, { runtime, metrics })
  ends.push(() => peer.stop())
  await peer.start()
  return peer
}

async function createPhone(peer: Peer): Promise<UserAgent> {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const port = Number(peer.addresses.sip[0]?.split(":").at(-1))
  const phone = new UserAgent(
    { runtime, transport: new UdpTransport({ runtime }, { port: 0 }) },
    { addressOfRecord: "sip:alice@example.org", proxy: { host: "127.0.0.1", port } },
  )
  await phone.start()
  ends.push(() => phone.stop())
  return phone
}

test.each(["chord", "kademlia"])("a peer on %s finds its registrations again when it starts with the same data folder", async (backend) => {
  const data = await newFolder()
  const first = await start({ backend, data })
  const phone = await createPhone(first)
  await phone.register()
  await first.stop()
  const second = await start({ backend, data })
  expect(second.servlet.capabilities.durable).toBe(true)
  expect(await second.servlet.get("sip:alice@example.org")).toHaveLength(1)
})

test("a peer that is told to keep records in memory forgets them", async () => {
  const data = await newFolder()
  const first = await start({ backend: "chord", data, storage: "memory" })
  await first.servlet.put("key", "value")
  await first.stop()
  expect(await (await start({ backend: "chord", data, storage: "memory" })).servlet.get("key")).toEqual([])
})

test("a peer whose disk is full answers a REGISTER with 503, and goes on finding those that it has", async () => {
  const peer = await start({ backend: "chord", data: await newFolder(), backendOptions: { journal: { maxFileBytes: 1_048_576 } } })
  const phone = await createPhone(peer)
  await phone.register()
  const fill = async (): Promise<void> => {
    for (let at = 0; at < 100; at++) await peer.servlet.put(`key ${at}`, Buffer.alloc(16_000))
  }
  await expect(fill()).rejects.toMatchObject({ code: "P2PSIP_STORAGE" })
  expect(await phone.register()).toMatchObject({ kind: "failed", status: 503 })
  expect(await peer.servlet.get("sip:alice@example.org")).toHaveLength(1)
})
