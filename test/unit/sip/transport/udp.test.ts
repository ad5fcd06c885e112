import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"
import { afterEach, describe, expect, test } from "vitest"
import type { Flow } from "../../../../src/sip/transport/transport.ts"
import { UdpTransport, type UdpOptions } from "../../../../src/sip/transport/udp.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const item of open.splice(0)) await item.stop()
})

async function start(options: UdpOptions = {}) {
  const runtime = new SocketRuntime()
  const transport = new UdpTransport({ runtime }, { port: 0, ...options })
  open.push(transport)
  await transport.start()
  const messages: { text: string; flow: Flow }[] = []
  let wake = (): void => undefined
  transport.onMessage((message, flow) => {
    messages.push({ text: Buffer.from(message).toString(), flow })
    wake()
  })
  const count = async (wanted: number) => {
    while (messages.length < wanted) await new Promise<void>((resolve) => (wake = resolve))
    return messages
  }
  return { runtime, transport, count }
}

async function phone(type: "udp4" | "udp6" = "udp4"): Promise<Socket> {
  const socket = createSocket(type)
  open.push({ stop: () => void socket.close() })
  socket.bind(0, type === "udp4" ? "127.0.0.1" : "::1")
  await once(socket, "listening")
  return socket
}

describe.each(["127.0.0.1", "::1"])("at %s", (host) => {
  test("a datagram comes in on a flow, on which the answer goes back", async () => {
    const { transport, count } = await start({ host })
    const socket = await phone(host === "::1" ? "udp6" : "udp4")
    socket.send("question", transport.bound.port, host)
    const [first] = await count(1)
    expect(first?.text).toBe("question")
    expect(first?.flow.remote).toEqual({ host, port: socket.address().port })
    first?.flow.send(Buffer.from("answer"))
    expect(String((await once(socket, "message"))[0])).toBe("answer")
  })

  test("a flow is made again from its key", async () => {
    const { transport, count } = await start({ host })
    const socket = await phone(host === "::1" ? "udp6" : "udp4")
    socket.send("hello", transport.bound.port, host)
    const key = (await count(1))[0]?.flow.key ?? ""
    transport.flowOf(key)?.send(Buffer.from("again"))
    expect(String((await once(socket, "message"))[0])).toBe("again")
    expect(transport.flowOf(key.replace("UDP", "TCP"))).toBe(undefined)
    expect(transport.flowOf(`${key}0000`)).toBe(undefined)
  })
})

test("keep-alives are counted and not passed on", async () => {
  const { runtime, transport, count } = await start()
  const socket = await phone()
  for (const text of ["\r\n\r\n", "\0\0\0\0", "", "real"]) socket.send(text, transport.bound.port, "127.0.0.1")
  expect((await count(1)).map(({ text }) => text)).toEqual(["real"])
  expect(runtime.metrics.count("p2psip_sip_transport_keepalives_total")).toBe(3)
})

test("a message that no datagram can hold ends its flow, and only that", async () => {
  const { runtime, transport } = await start()
  const socket = await phone()
  const remote = { host: "127.0.0.1", port: socket.address().port }
  const flow = transport.flowTo(remote)
  const error = await new Promise<Error | undefined>((resolve) => {
    flow?.onClose(resolve)
    flow?.send(Buffer.alloc(70_000))
  })
  expect(error).toMatchObject({ code: "EMSGSIZE" })
  expect(flow?.isOpen).toBe(false)
  expect(runtime.metrics.count("p2psip_sip_transport_dropped_total", { protocol: "UDP", reason: "send-error" })).toBe(1)
  transport.flowTo(remote)?.send(Buffer.from("short"))
  expect(String((await once(socket, "message"))[0])).toBe("short")
})

test("a remote that nobody listens at harms nothing", async () => {
  const { transport, count } = await start()
  const closed = await phone()
  const { port } = closed.address()
  open.pop()
  await new Promise<void>((resolve) => closed.close(resolve))
  for (let i = 0; i < 5; i++) transport.flowTo({ host: "127.0.0.1", port })?.send(Buffer.from("anybody?"))
  const socket = await phone()
  socket.send("still here", transport.bound.port, "127.0.0.1")
  expect((await count(1))[0]?.text).toBe("still here")
})

test("where no flow can lead there is none", async () => {
  const { transport } = await start()
  for (const remote of [
    { host: "::1", port: 5060 },
    { host: "example.com", port: 5060 },
    { host: "127.0.0.1", port: 0 },
    { host: "127.0.0.1", port: 65_536 },
  ]) {
    expect(transport.flowTo(remote)).toBe(undefined)
  }
})

test("what is advertised is the bound address, or what the user says", async () => {
  const plain = await start()
  expect(plain.transport.advertised).toEqual({ host: "127.0.0.1", port: plain.transport.bound.port })
  const behindNat = await start({ advertise: { host: "203.0.113.5", port: 5070 } })
  expect(behindNat.transport.advertised).toEqual({ host: "203.0.113.5", port: 5070 })
})

test("a port in use is said to be", async () => {
  const { transport } = await start()
  const second = new UdpTransport({ runtime: new SocketRuntime() }, { port: transport.bound.port })
  await expect(second.start()).rejects.toMatchObject({
    code: "P2PSIP_PORT_IN_USE",
    message: expect.stringContaining(`udp:127.0.0.1:${transport.bound.port}`) as string,
  })
})

test("a host name is no address to listen at", () => {
  expect(() => new UdpTransport({ runtime: new SocketRuntime() }, { host: "localhost" })).toThrow("host: expected an IP address")
})
