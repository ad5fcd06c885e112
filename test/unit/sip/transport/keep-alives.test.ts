/** Keep-alives on connections count against their source as messages do: each has an answer. */
import { once } from "node:events"
import { connect } from "node:net"
import { afterEach, expect, test } from "vitest"
import { WebSocket } from "ws"
import { type Gate, TcpTransport, type Transport, WsTransport } from "../../../../src/sip/transport/index.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.stop()
})

/** Lets a connection in, and so many messages. */
function gateFor(messages: number): Gate {
  let left = 1 + messages
  return { admits: () => left-- > 0 }
}

async function start(transport: Transport): Promise<number> {
  open.push(transport)
  await transport.start()
  return transport.advertised.port
}

test("on a stream", async () => {
  const runtime = new SocketRuntime()
  const socket = connect(await start(new TcpTransport({ runtime, gate: gateFor(1) }, { port: 0 })), "127.0.0.1")
  open.push({ stop: () => void socket.destroy() })
  await once(socket, "connect")
  socket.write("\r\n\r\n")
  await once(socket, "data")
  socket.write("\r\n\r\n")
  await once(socket, "close")
  expect(runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol: "TCP", reason: "rate" })).toBe(1)
})

test.each([
  ["pings", (socket: WebSocket) => socket.ping()],
  ["pongs that nobody has asked for", (socket: WebSocket) => socket.pong()],
  ["line ends", (socket: WebSocket) => socket.send("\r\n\r\n")],
])("on a WebSocket: %s", async (_, sends) => {
  const runtime = new SocketRuntime()
  const socket = new WebSocket(`ws://127.0.0.1:${await start(new WsTransport({ runtime, gate: gateFor(2) }, { port: 0 }))}/`, "sip")
  socket.on("error", () => undefined)
  open.push({ stop: () => socket.terminate() })
  await once(socket, "open")
  let answers = 0
  for (const name of ["pong", "message"]) socket.on(name, () => answers++)
  for (let i = 0; i < 20; i++) sends(socket)
  await once(socket, "close")
  expect(answers).toBeLessThanOrEqual(2)
  expect(runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol: "WS", reason: "rate" })).toBe(1)
})
