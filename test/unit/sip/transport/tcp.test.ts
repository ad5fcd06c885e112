import { connect, createServer, type AddressInfo, type Socket } from "node:net"
import { once } from "node:events"
import { afterEach, describe, expect, test } from "vitest"
import { TcpTransport } from "../../../../src/sip/transport/tcp.ts"
import type { StreamOptions } from "../../../../src/sip/transport/stream-transport.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"
import { watchMessages } from "../../../support/watch-messages.ts"

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.stop()
})

async function start(options: StreamOptions = {}) {
  const runtime = new SocketRuntime()
  const transport = new TcpTransport({ runtime }, { port: 0, ...options })
  open.push(transport)
  await transport.start()
  const count = watchMessages(transport)
  const closed = (reason: string) => runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol: "TCP", reason })
  return { runtime, transport, count, closed }
}

async function phone(transport: TcpTransport): Promise<Socket> {
  const socket = connect(transport.advertised.port, "127.0.0.1")
  socket.on("error", () => undefined)
  open.push({ stop: () => void socket.destroy() })
  await once(socket, "connect")
  return socket
}

/** All that comes until the other side closes. */
async function readAll(socket: Socket): Promise<string> {
  let text = ""
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")))
  await once(socket, "close")
  return text
}

/** A server that takes whatever comes, and with `isDeaf` does not even close what the other side has closed. */
async function sink({ isDeaf = false } = {}): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: isDeaf }, (socket) => {
    socket.on("error", () => undefined)
    sockets.push(socket)
  })
  open.push({ stop: () => (sockets.forEach((socket) => socket.destroy()), server.close()) })
  await once(server.listen(0, "127.0.0.1"), "listening")
  return { port: (server.address() as AddressInfo).port, sockets }
}

const options = (extra = "") =>
  `OPTIONS sip:b@x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n${extra}`

test("messages come in on the connection, on which the answers go back", async () => {
  const { transport, count } = await start()
  const socket = await phone(transport)
  const message = options("l: 2\r\n\r\nhi")
  socket.write(message.repeat(2))
  const [first, second] = await count(2)
  expect(first?.text).toBe(message)
  expect(second?.flow).toBe(first?.flow)
  first?.flow.send(Buffer.from("answer"))
  expect(String((await once(socket, "data"))[0])).toBe("answer")
})

test("a ping is answered, a flood of pings with no more than one answer per chunk", async () => {
  const { runtime, transport } = await start()
  const socket = await phone(transport)
  socket.write("\r\n\r\n")
  expect(String((await once(socket, "data"))[0])).toBe("\r\n")
  socket.write("\r\n\r\n".repeat(1000))
  expect(String((await once(socket, "data"))[0]).length).toBeLessThan(100)
  expect(runtime.metrics.count("p2psip_sip_transport_keepalives_total")).toBeLessThan(100)
})

test("one connection serves both directions, and every request to the same remote", async () => {
  const { transport, count } = await start()
  const other = await start()
  const out = transport.flowTo(other.transport.advertised)
  expect(transport.flowTo(other.transport.advertised)).toBe(out)
  out?.send(Buffer.from(options("l: 0\r\n\r\n")))
  const [received] = await other.count(1)
  expect(other.transport.flowTo(received?.flow.remote ?? out!.remote)).toBe(received?.flow)
  received?.flow.send(Buffer.from(options("l: 0\r\n\r\n")))
  expect((await count(1))[0]?.flow).toBe(out)
  expect([transport.size, other.transport.size]).toEqual([1, 1])
  expect(other.transport.flowOf(received?.flow.key ?? "")).toBe(received?.flow)
})

test("a connection that cannot be made ends its flow with the reason", async () => {
  const { transport } = await start()
  const { port } = await sink()
  await open.pop()?.stop()
  const flow = transport.flowTo({ host: "127.0.0.1", port })
  flow?.send(Buffer.from("lost"))
  const error = await new Promise((resolve) => flow?.onClose(resolve))
  expect(error).toMatchObject({ code: "ECONNREFUSED" })
  expect(transport.size).toBe(0)
})

test("a key names its connection only, not a later one between the same addresses", async () => {
  const { transport, count } = await start()
  const socket = await phone(transport)
  socket.write(options("l: 0\r\n\r\n"))
  const flow = (await count(1))[0]?.flow
  const key = flow?.key ?? ""
  expect(transport.flowOf(key)).toBe(flow)
  socket.destroy()
  await new Promise((resolve) => flow?.onClose(resolve))
  expect(transport.flowOf(key)).toBe(undefined)
})

describe("hostile streams", () => {
  test.each([
    ["a body too large", options("Content-Length: 40000\r\n\r\n"), "SIP/2.0 413 ", "body-too-large"],
    ["no Content-Length", options("\r\n"), "SIP/2.0 400 Missing Content-Length", "content-length-missing"],
    ["a header without end", options("X: ".padEnd(40_000, "x")), "SIP/2.0 413 Header Too Large", "header-too-large"],
    ["an ACK", options("\r\n").replaceAll("OPTIONS", "ACK"), "", "content-length-missing"],
    ["a response", "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP x\r\n\r\n", "", "content-length-missing"],
    ["a TLS handshake", "\x16\x03\x01\x02\x00", "", "not-sip"],
  ])("%s: answered where one can be addressed, counted, closed", async (_name, bytes, answer, reason) => {
    const { transport, closed } = await start()
    const socket = await phone(transport)
    socket.write(bytes, "latin1")
    const text = await readAll(socket)
    if (answer === "") expect(text).toBe("")
    else expect(text.startsWith(answer)).toBe(true)
    expect(closed(reason)).toBe(1)
  })

  test("a message that trickles in, and a remote that does not close, are given up", async () => {
    const { runtime, transport, closed } = await start({ messageTimeoutMs: 5000 })
    const socket = await phone(transport)
    socket.write("OPTIONS sip:b")
    while (transport.size === 0) await new Promise((resolve) => setImmediate(resolve))
    // The bytes are in when the answer to a ping on another connection is.
    const other = await phone(transport)
    other.write("\r\n\r\n")
    await once(other, "data")
    runtime.advance(6000)
    await once(socket, "close")
    expect(closed("message-timeout")).toBe(1)
    expect(transport.size).toBe(1)
    runtime.advance(3_600_000)
    await once(other, "close")
    expect(closed("idle")).toBe(1)
  })
})

test("connections beyond the limits are refused", async () => {
  const { transport, closed } = await start({ maxConnections: 3, maxConnectionsPerSource: 2 })
  const first = await phone(transport)
  await phone(transport)
  await once(await phone(transport), "close")
  expect(closed("too-many-from-source")).toBe(1)
  const { port } = await sink()
  expect(transport.flowTo({ host: "127.0.0.1", port })).toBeDefined()
  expect(transport.flowTo({ host: "127.0.0.1", port: port === 1 ? 2 : 1 })).toBe(undefined)
  first.destroy()
  while (transport.size === 3) await new Promise((resolve) => setImmediate(resolve))
  await phone(transport)
  expect(closed("too-many")).toBe(1)
})

test("a remote that does not read cannot make the queue grow", async () => {
  const { runtime, transport } = await start({ maxQueueBytes: 100_000 })
  const { port, sockets } = await sink()
  const flow = transport.flowTo({ host: "127.0.0.1", port })
  while (sockets.length === 0) await new Promise((resolve) => setImmediate(resolve))
  sockets[0]?.pause()
  const dropped = () => runtime.metrics.count("p2psip_sip_transport_dropped_total", { protocol: "TCP", reason: "queue-full" })
  for (let i = 0; i < 30; i++) flow?.send(Buffer.alloc(10_000))
  expect(dropped()).toBe(20)
})

test("remotes that do not read are closed, those with most in their queues first, before all queues together take too much", async () => {
  const { runtime, transport } = await start({ maxQueueBytes: 100_000_000, maxTotalQueueBytes: 1_000_000 })
  const { port, sockets } = await sink()
  const slow = transport.flowTo({ host: "127.0.0.1", port })
  while (sockets.length === 0) await new Promise((resolve) => setImmediate(resolve))
  sockets[0]?.pause()
  const other = await sink()
  const quick = transport.flowTo({ host: "127.0.0.1", port: other.port })
  while (other.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve))
  slow?.send(Buffer.alloc(50_000_000))
  quick?.send(Buffer.alloc(100))
  runtime.advance(1000)
  expect(runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol: "TCP", reason: "slow-reader" })).toBe(1)
  expect([slow?.isOpen, quick?.isOpen]).toEqual([false, true])
})

test("a remote that does not close keeps no connection open once the transport has stopped", async () => {
  const { runtime, transport } = await start()
  const { port, sockets } = await sink({ isDeaf: true })
  const flow = transport.flowTo({ host: "127.0.0.1", port })
  while (sockets.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const closed = new Promise((resolve) => flow?.onClose(resolve))
  const stopped = transport.stop()
  await new Promise((resolve) => setTimeout(resolve, 50))
  runtime.advance(2000)
  await Promise.all([closed, stopped])
  expect(transport.size).toBe(0)
})

test("a port in use is said to be", async () => {
  const { transport } = await start()
  const second = new TcpTransport({ runtime: new SocketRuntime() }, { port: transport.advertised.port })
  await expect(second.start()).rejects.toMatchObject({ code: "P2PSIP_PORT_IN_USE" })
})
