import { expect, test } from "vitest"
import { MemoryLink, MemoryNetwork } from "../../../../src/link/memory.ts"
import { hostOfPeer } from "../../../../src/sip/transport/overlay-host.ts"
import { OverlayTransport } from "../../../../src/sip/transport/overlay.ts"
import { TransactionLayer } from "../../../../src/sip/transaction/index.ts"
import type { Flow } from "../../../../src/sip/transport/transport.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"
import { makeRequest } from "../../../support/sip-pair.ts"

interface Peer {
  readonly link: MemoryLink
  readonly transport: OverlayTransport
  readonly messages: { text: string; flow: Flow }[]
}

async function makePeers(names: readonly string[], maxFlows?: number) {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork()
  const peers: Record<string, Peer> = {}
  for (const name of names) {
    const link = new MemoryLink({ runtime, network }, { peerId: name })
    const transport = new OverlayTransport({ runtime, link }, maxFlows === undefined ? {} : { maxFlows })
    const messages: Peer["messages"] = []
    transport.onMessage((message, flow) => messages.push({ text: Buffer.from(message).toString(), flow }))
    await link.start()
    await transport.start()
    peers[name] = { link, transport, messages }
  }
  for (const one of Object.values(peers)) for (const other of Object.values(peers)) one.link.learn(other.link.self)
  const peer = (name: string): Peer => peers[name] as Peer
  const flow = (from: string, to: string): Flow => peer(from).transport.flowTo({ host: hostOfPeer(to), port: 0 }) as Flow
  return { runtime, network, peer, flow }
}

test("a message goes to the peer of that host name, and back on the flow it came on", async () => {
  const { runtime, peer, flow } = await makePeers(["a", "b"])
  flow("a", "b").send(Buffer.from("question"))
  await runtime.advanceAsync(1000)
  const [question] = peer("b").messages
  expect(question?.text).toBe("question")
  expect(question?.flow.remote).toEqual({ host: hostOfPeer("a"), port: 0 })
  expect(question?.flow).toBe(flow("b", "a"))
  question?.flow.send(Buffer.from("answer"))
  await runtime.advanceAsync(1000)
  expect(peer("a").messages).toMatchObject([{ text: "answer", flow: flow("a", "b") }])
})

test("a flow is found again by its key, in any case", async () => {
  const { peer, flow } = await makePeers(["a", "b"])
  const { key } = flow("a", "b")
  expect(peer("a").transport.flowOf(key)).toBe(flow("a", "b"))
  expect(peer("a").transport.flowOf("P2P nobody")).toBe(undefined)
})

test("a peer that is lost ends its flow, and a new one may be tried", async () => {
  const { runtime, network, flow } = await makePeers(["a", "b"])
  const lost = flow("a", "b")
  lost.send(Buffer.from("hello"))
  await runtime.advanceAsync(1000)
  let closed = 0
  lost.onClose(() => closed++)
  network.kill("b")
  lost.send(Buffer.from("anybody there?"))
  await runtime.advanceAsync(60_000)
  expect(closed).toBe(1)
  expect(lost.isOpen).toBe(false)
  expect(flow("a", "b")).not.toBe(lost)
})

test("a peer that the Link cannot send to ends the flow after the call", async () => {
  const { runtime, flow } = await makePeers(["a"])
  const nowhere = flow("a", "stranger")
  let error: Error | undefined
  nowhere.onClose((reason) => (error = reason))
  nowhere.send(Buffer.from("hello"))
  expect(nowhere.isOpen).toBe(true)
  await runtime.advanceAsync(0)
  expect(error).toMatchObject({ code: "P2PSIP_UNREACHABLE" })
})

test("a peer that was dead before the first message ends the flow", async () => {
  const { runtime, network, flow } = await makePeers(["a", "b"])
  const lost = flow("a", "b")
  network.kill("b")
  lost.send(Buffer.from("anybody there?"))
  await runtime.advanceAsync(0)
  expect(lost.isOpen).toBe(false)
})

test("a request longer than a frame fails at once, and nothing else that goes on with that peer", async () => {
  const { runtime, peer, flow } = await makePeers(["a", "b"])
  const { link, transport } = peer("a")
  const layer = new TransactionLayer({ runtime, transports: [transport] })
  const request = makeRequest("MESSAGE")
  request.body = Buffer.alloc(link.maxFrameBytes)
  let error: Error | undefined
  layer.request(request, flow("a", "b"), {
    onResponse: () => undefined,
    onTimeout: () => undefined,
    onTransportError: (reason) => (error = reason),
  })
  await runtime.advanceAsync(0)
  expect(error).toMatchObject({ code: "P2PSIP_LIMIT" })
  expect(flow("a", "b").isOpen).toBe(true)
  expect(peer("b").messages).toEqual([])
})

test("flows are bounded: the oldest gives way", async () => {
  const { flow } = await makePeers(["a"], 2)
  const flows = ["x", "y", "z"].map((name) => flow("a", name))
  expect(flows.map(({ isOpen }) => isOpen)).toEqual([false, true, true])
})
