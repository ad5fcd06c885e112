/** What the gate is asked about connections: messages, keep-alives, each of which has an answer, and bytes of which no message comes. */
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import { WebSocket } from "ws"
import { TcpTransport, type Transport, WsTransport } from "../../../../src/sip/transport/index.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"
import { watchMessages } from "../../../support/watch-messages.ts"

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.stop()
})

/** Lets so much in, a connection among it, and counts what it is asked. */
function gateFor(most: number) {
  const gate = { asked: 0, admits: () => ++gate.asked <= most }
  return gate
}

async function portOf(transport: Transport): Promise<number> {
  open.push(transport)
  await transport.start()
  return transport.advertised.port
}

async function streamTo(transport: Transport): Promise<Socket> {
  const socket = connect(await portOf(transport), "127.0.0.1")
  socket.on("error", () => undefined)
  open.push({ stop: () => void socket.destroy() })
  await once(socket, "connect")
  return socket
}

/** A chunk for each byte, as far as the system lets it, until all are sent or the other side closes. */
async function trickle(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  socket.setNoDelay(true)
  for (const byte of Buffer.from(bytes)) {
    if (socket.destroyed) return
    socket.write(Buffer.of(byte))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const closedFor = (runtime: SocketRuntime, protocol: string, reason: string): number =>
  runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol, reason })

const head = "OPTIONS sip:b@x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n"

describe("a stream", () => {
  test("pings count as messages do", async () => {
    const runtime = new SocketRuntime()
    const socket = await streamTo(new TcpTransport({ runtime, gate: gateFor(2) }, { port: 0 }))
    socket.write("\r\n\r\n")
    await once(socket, "data")
    socket.write("\r\n\r\n")
    await once(socket, "close")
    expect(closedFor(runtime, "TCP", "rate")).toBe(1)
  })

  test("bytes that trickle in count as well", async () => {
    const runtime = new SocketRuntime()
    await trickle(await streamTo(new TcpTransport({ runtime, gate: gateFor(3) }, { port: 0 })), head + "X: ".padEnd(400, "x"))
    expect(closedFor(runtime, "TCP", "rate")).toBe(1)
  })

  test("a message in a few pieces counts once", async () => {
    const gate = gateFor(10)
    const transport = new TcpTransport({ runtime: new SocketRuntime(), gate }, { port: 0 })
    const count = watchMessages(transport)
    const socket = await streamTo(transport)
    socket.write(`${head}l: 10\r\n\r\n`)
    await trickle(socket, "0123456789")
    await count(1)
    // For the connection, and for the message.
    expect(gate.asked).toBe(2)
  })
})

describe("a WebSocket", () => {
  test.each([
    ["pings", (socket: WebSocket) => socket.ping()],
    ["pongs that nobody has asked for", (socket: WebSocket) => socket.pong()],
    ["line ends", (socket: WebSocket) => socket.send("\r\n\r\n")],
  ])("%s count as messages do", async (_, sends) => {
    const runtime = new SocketRuntime()
    const port = await portOf(new WsTransport({ runtime, gate: gateFor(3) }, { port: 0 }))
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, "sip")
    socket.on("error", () => undefined)
    open.push({ stop: () => socket.terminate() })
    await once(socket, "open")
    let answers = 0
    for (const name of ["pong", "message"]) socket.on(name, () => answers++)
    for (let i = 0; i < 20; i++) sends(socket)
    await once(socket, "close")
    expect(answers).toBeLessThanOrEqual(2)
    expect(closedFor(runtime, "WS", "rate")).toBe(1)
  })

  test("a frame that comes byte by byte counts as well", async () => {
    const runtime = new SocketRuntime()
    const socket = await streamTo(new WsTransport({ runtime, gate: gateFor(3) }, { port: 0 }))
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
    socket.write("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n")
    await once(socket, "data")
    // Binary, masked, 500 bytes.
    await trickle(socket, Buffer.concat([Buffer.of(0x82, 0xfe, 0x01, 0xf4, 1, 2, 3, 4), Buffer.alloc(500)]))
    expect(closedFor(runtime, "WS", "rate")).toBe(1)
  })
})
