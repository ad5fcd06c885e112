import { connect } from "node:net"
import { noise } from "@chainsafe/libp2p-noise"
import { tcp } from "@libp2p/tcp"
import { yamux } from "@libp2p/yamux"
import { multiaddr } from "@multiformats/multiaddr"
import { createLibp2p } from "libp2p"
import { afterEach, describe, expect, test, vi } from "vitest"
import { Membership } from "../../../src/link/admission.ts"
import { createLibp2pLink, type Libp2pLink } from "../../../src/link/libp2p.ts"
import { channels } from "../../../src/link/link.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { RegistryMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"

const secret = "correct horse battery"

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function startLink(secret?: string): Promise<{ link: Libp2pLink; address: string; refused: () => number }> {
  const metrics = new RegistryMetrics()
  const link = await createLibp2pLink({ runtime: new NodeRuntime({}, { log: silentLogger, metrics }) }, { secret, handshakeTimeoutMs: 1000 })
  cleanUps.push(() => link.stop())
  await link.start()
  return { link, address: link.self.addresses[0] ?? "", refused: () => metrics.counts()["p2psip_link_refused_connections_total"] ?? 0 }
}

test("those who know the secret exchange frames both ways", async () => {
  const [a, b] = [await startLink(secret), await startLink(secret)]
  b.link.onFrame(channels.overlay, (from, frame) => b.link.send(from, channels.overlay, frame))
  const echoed: string[] = []
  a.link.onFrame(channels.overlay, (_from, frame) => echoed.push(Buffer.from(frame).toString()))
  await a.link.resolve(b.address)
  for (let i = 0; i < 100; i++) a.link.send(b.link.self.peerId, channels.overlay, Buffer.from(`${i}`))
  await vi.waitFor(() => expect(echoed).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`)))
  expect(a.refused() + b.refused()).toBe(0)
})

describe("turned away, in one line that says why", () => {
  test.each([
    ["who knows another secret", secret, "correct horse batterx"],
    ["who knows none", secret, undefined],
    ["who is asked for none, and has one", undefined, secret],
  ])("%s", async (_name, ours, theirs) => {
    const [member, stranger] = [await startLink(ours), await startLink(theirs)]
    const heard = vi.fn()
    member.link.onFrame(channels.overlay, heard)
    const dialled = stranger.link.resolve(member.address).then(() => undefined, (error: unknown) => error)
    stranger.link.send(member.link.self.peerId, channels.overlay, Buffer.of(1))
    await vi.waitFor(() => expect(member.refused() + stranger.refused()).toBeGreaterThan(0))
    const error = await dialled
    if (theirs !== undefined) expect(error).toMatchObject({ code: "P2PSIP_UNREACHABLE", message: expect.stringMatching(/expected proof that it knows the secret of this overlay/) as string })
    expect(heard).not.toHaveBeenCalled()
  })
})

test("strangers do no harm: noise, silence, and streams opened without a proof", async () => {
  const [a, b] = [await startLink(secret), await startLink(secret)]
  const port = Number(/tcp\/(\d+)/.exec(a.address)?.[1])
  const sockets = Array.from({ length: 20 }, () => connect(port, "127.0.0.1").on("error", () => undefined))
  for (const [i, socket] of sockets.entries()) if (i % 2 === 0) socket.write(Buffer.alloc(1000, i))
  const node = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
  cleanUps.push(async () => node.stop())
  await expect(node.dialProtocol(multiaddr(a.address), "/p2psip/1.0.0")).rejects.toThrow()
  for (const socket of sockets) socket.destroy()
  expect(await b.link.resolve(a.address)).toMatchObject({ peerId: a.link.self.peerId })
})

describe("a proof", () => {
  const [alice, bob] = [new Membership("alice", secret), new Membership("bob", secret)]

  test("is good towards one peer, from one peer", () => {
    expect(bob.isProofOf("alice", alice.proofFor("bob"))).toBe(true)
    expect(new Membership("carol", secret).isProofOf("alice", alice.proofFor("bob"))).toBe(false)
    expect(bob.isProofOf("carol", alice.proofFor("bob"))).toBe(false)
  })

  test("is of no use to its receiver: it is not that of the other direction", () => {
    expect(alice.isProofOf("bob", alice.proofFor("bob"))).toBe(false)
  })

  test("of another length is none", () => {
    for (const length of [0, 31, 33]) expect(bob.isProofOf("alice", new Uint8Array(length))).toBe(false)
  })
})
