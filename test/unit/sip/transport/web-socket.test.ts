import { once } from "node:events"
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import fc from "fast-check"
import { afterEach, beforeAll, afterAll, describe, expect, test } from "vitest"
import { WebSocket } from "ws"
import { Certificates, WssTransport, WsTransport, type WebSocketOptions } from "../../../../src/sip/transport/index.ts"
import { TestAuthority } from "../../../support/certificates.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"
import { watchMessages } from "../../../support/watch-messages.ts"

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.stop()
})

async function start(options: WebSocketOptions = {}) {
  const runtime = new SocketRuntime()
  const transport = new WsTransport({ runtime }, { port: 0, ...options })
  open.push(transport)
  await transport.start()
  const closed = (reason: string) => runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol: "WS", reason })
  return { runtime, transport, count: watchMessages(transport), closed }
}

/** A browser, as far as WebSockets go. */
async function browser(transport: WsTransport, options: object = {}): Promise<WebSocket> {
  const socket = dial(transport, options)
  await once(socket, "open")
  return socket
}

function dial(transport: WsTransport, options: object = {}, protocols: string | string[] = "sip"): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${transport.advertised.port}/`, protocols, { perMessageDeflate: true, ...options })
  socket.on("error", () => undefined)
  open.push({ stop: () => socket.terminate() })
  return socket
}

async function rawSocket(transport: WsTransport): Promise<Socket> {
  const socket = connect(transport.advertised.port, "127.0.0.1")
  socket.on("error", () => undefined)
  open.push({ stop: () => void socket.destroy() })
  await once(socket, "connect")
  return socket
}

const ended = (socket: Socket | WebSocket): Promise<number> =>
  new Promise((resolve) => void (socket as Socket).once("close", (code: unknown) => resolve(Number(code))))

/** All that comes until the other side closes. */
async function readAll(socket: Socket): Promise<string> {
  let text = ""
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")))
  await ended(socket)
  return text
}

const upgrade = (changes = "Sec-WebSocket-Protocol: sip\r\n"): string =>
  `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${changes}\r\n`

const message = "OPTIONS sip:b@x SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\r\n"

describe("framing (RFC 7118 §4.2)", () => {
  test("one frame is one message, text or binary, in both directions, with every byte", async () => {
    const { transport, count } = await start()
    const socket = await browser(transport)
    expect(socket.protocol).toBe("sip")
    expect(socket.extensions).toBe("")
    const [hello] = await (socket.send(message), count(1))
    let soFar = 1
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 5, maxLength: 3000 }), async (bytes) => {
        if (bytes.every((byte) => byte === 0x0d || byte === 0x0a)) return
        socket.send(bytes)
        const received = (await count(++soFar))[soFar - 1]
        expect(received?.bytes.equals(bytes)).toBe(true)
        expect(received?.flow).toBe(hello?.flow)
        const answer = once(socket, "message")
        hello?.flow.send(bytes)
        expect(Buffer.from((await answer)[0] as Buffer).equals(bytes)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test("what is UTF-8 goes as text, which is all that some clients read; the rest as binary", async () => {
    const { transport, count } = await start()
    const socket = await browser(transport)
    socket.send(message)
    const flow = (await count(1))[0]?.flow
    const kinds: boolean[] = []
    socket.on("message", (_data, isBinary) => kinds.push(isBinary))
    flow?.send(Buffer.from("Subject: Grüße"))
    flow?.send(Buffer.from("Subject: Gr\xfc\xdfe", "latin1"))
    while (kinds.length < 2) await once(socket, "message")
    expect(kinds).toEqual([false, true])
  })

  test("a message in many fragments is one message", async () => {
    const { transport, count } = await start()
    const socket = await browser(transport)
    for (const character of message) socket.send(character, { fin: false })
    socket.send("", { fin: true })
    expect((await count(1))[0]?.bytes.toString()).toBe(message)
  })
})

describe("keep-alive (RFC 7118 §6)", () => {
  test("pings are answered, and a double CRLF with a single one", async () => {
    const { transport } = await start()
    const socket = await browser(transport)
    const pong = once(socket, "pong")
    socket.ping("abc")
    expect(String((await pong)[0])).toBe("abc")
    const answer = once(socket, "message")
    socket.send("\r\n\r\n")
    expect(String((await answer)[0])).toBe("\r\n")
  })

  test("a silent client is pinged; one that does not answer is given up", async () => {
    const { runtime, transport, closed } = await start({ pingIntervalMs: 30_000, pongTimeoutMs: 5000 })
    const alive = await browser(transport)
    const dead = await browser(transport, { autoPong: false })
    while (transport.size < 2) await new Promise((resolve) => setImmediate(resolve))
    const pings = Promise.all([once(alive, "ping"), once(dead, "ping")])
    runtime.advance(31_000)
    await pings
    // The pong is in when the answer to a later ping is.
    const pong = once(alive, "pong")
    alive.ping()
    await pong
    runtime.advance(6000)
    await ended(dead)
    expect(closed("pong-timeout")).toBe(1)
    expect(transport.size).toBe(1)
  })
})

describe("handshakes", () => {
  test.each([
    ["no subprotocol", upgrade(""), "HTTP/1.1 400 ", "no-sip-subprotocol"],
    ["another subprotocol", upgrade("Sec-WebSocket-Protocol: chat, sips\r\n"), "HTTP/1.1 400 ", "no-sip-subprotocol"],
    ["an Origin that is not allowed", upgrade("Origin: https://evil.example\r\nSec-WebSocket-Protocol: sip\r\n"), "HTTP/1.1 403 ", "origin"],
    ["no WebSocket", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 ", "no-upgrade"],
    ["an old version", upgrade().replace("Version: 13", "Version: 7"), "", "bad-handshake"],
    ["no HTTP", message, "", "bad-http"],
    ["a header without end", upgrade(`X: ${"x".repeat(10_000)}\r\n`), "", "bad-http"],
  ])("%s: refused, counted, closed", async (_name, bytes, answer, reason) => {
    const { transport, closed } = await start({ origins: ["https://phone.example.org"] })
    const socket = await rawSocket(transport)
    socket.write(bytes)
    const text = await readAll(socket)
    expect(text.slice(0, answer.length)).toBe(answer)
    expect(closed(reason)).toBe(1)
    expect(transport.size).toBe(0)
  })

  test("an Origin that is allowed, and no Origin at all, pass", async () => {
    const { transport } = await start({ origins: ["https://phone.example.org"] })
    await browser(transport, { origin: "https://phone.example.org" })
    await browser(transport)
  })

  test("where only pages of this machine may connect, others are refused", async () => {
    const { transport, closed } = await start({ origins: "loopback" })
    for (const origin of ["http://localhost:5173", "http://127.0.0.1", "https://[::1]:8443"]) await browser(transport, { origin })
    await browser(transport)
    for (const origin of ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example"]) {
      const socket = await rawSocket(transport)
      socket.write(upgrade(`Origin: ${origin}\r\nSec-WebSocket-Protocol: sip\r\n`))
      expect((await readAll(socket)).slice(0, 13)).toBe("HTTP/1.1 403 ")
    }
    expect(closed("origin")).toBe(4)
  })

  test("sip is chosen among others", async () => {
    const { transport } = await start()
    const socket = dial(transport, {}, ["chat", "sip"])
    await once(socket, "open")
    expect(socket.protocol).toBe("sip")
  })

  test("one that never ends counts against its source, and is given up", async () => {
    const { runtime, transport, closed } = await start({ maxConnectionsPerSource: 2 })
    const slow = await rawSocket(transport)
    slow.write("GET / HTTP/1.1\r\nHost")
    await browser(transport)
    await ended(dial(transport))
    expect(closed("too-many-from-source")).toBe(1)
    runtime.advance(11_000)
    await ended(slow)
    expect(closed("handshake-timeout")).toBe(1)
    expect(transport.size).toBe(1)
  })
})

describe("hostile frames: the connection ends, nothing else", () => {
  const mask = [1, 2, 3, 4]
  const frame = (...bytes: number[]) => Buffer.from(bytes)
  test.each([
    ["not masked", frame(0x81, 0x01, 0x41), "bad-frame"],
    ["a reserved bit", frame(0xc1, 0x81, ...mask, 0x41), "bad-frame"],
    ["a reserved opcode", frame(0x83, 0x81, ...mask, 0x41), "bad-frame"],
    ["a continuation of nothing", frame(0x80, 0x81, ...mask, 0x41), "bad-frame"],
    ["a ping in fragments", frame(0x09, 0x81, ...mask, 0x41), "bad-frame"],
    ["a ping too long", frame(0x89, 0xfe, 0x01, 0x00, ...mask), "bad-frame"],
    ["text that is not UTF-8", frame(0x81, 0x81, 0, 0, 0, 0, 0xff), "not-utf8"],
    ["a length beyond the limit", frame(0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, ...mask), "message-too-large"],
    ["a length beyond 2^53", frame(0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...mask), "message-too-large"],
  ])("%s", async (_name, bytes, reason) => {
    const { transport, count, closed } = await start()
    const socket = await rawSocket(transport)
    const other = await browser(transport)
    socket.write(upgrade())
    await once(socket, "data")
    socket.write(bytes)
    await ended(socket)
    expect(closed(reason)).toBe(1)
    other.send(message)
    await count(1)
  })

  test("a message longer than allowed, in fragments that are not", async () => {
    const { transport, closed } = await start({ maxMessageBytes: 1000 })
    const socket = await browser(transport)
    for (let i = 0; i < 11; i++) socket.send("x".repeat(100), { fin: false })
    expect(await ended(socket)).toBe(1009)
    expect(closed("message-too-large")).toBe(1)
  })

  test("fragments without end", async () => {
    const { transport, closed } = await start()
    const socket = await browser(transport)
    for (let i = 0; i < 1000; i++) socket.send("x", { fin: false })
    expect(await ended(socket)).toBe(1008)
    expect(closed("bad-frame")).toBe(1)
  })

  test("whatever bytes come, the listener lives", async () => {
    const { transport, count } = await start()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 2, maxLength: 200 }), async (bytes) => {
        const socket = await rawSocket(transport)
        socket.write(upgrade())
        await once(socket, "data")
        socket.resume()
        socket.end(bytes)
        await ended(socket)
      }),
      { numRuns: 100 },
    )
    const socket = await browser(transport)
    const before = (await count(0)).length
    socket.send(message)
    await count(before + 1)
  })

  test("a client that does not read cannot make the queue grow", async () => {
    const { runtime, transport, count } = await start({ maxQueueBytes: 100_000 })
    const socket = await browser(transport)
    socket.send(message)
    const flow = (await count(1))[0]?.flow
    socket.pause()
    for (let i = 0; i < 1000; i++) flow?.send(Buffer.alloc(10_000, "x"))
    const dropped = runtime.metrics.count("p2psip_sip_transport_dropped_total", { protocol: "WS", reason: "queue-full" })
    expect(dropped).toBeGreaterThan(0)
  })
})

describe("who opens connections", () => {
  test("a listener never does: a browser is reached over its own connection, by its flow's key", async () => {
    const { transport, count } = await start()
    const socket = await browser(transport)
    socket.send(message)
    const flow = (await count(1))[0]?.flow
    expect(flow && transport.flowTo(flow.remote)).toBe(undefined)
    expect(transport.flowOf(flow?.key ?? "")).toBe(flow)
    socket.terminate()
    await new Promise((resolve) => flow?.onClose(resolve))
    expect(transport.flowOf(flow?.key ?? "")).toBe(undefined)
  })

  test("a client does, under a random name; what it sends before it is connected is not lost", async () => {
    const { transport, count } = await start()
    const client = new WsTransport({ runtime: new SocketRuntime() }, { listens: false })
    open.push(client)
    await client.start()
    expect(client.advertised.host).toMatch(/^[0-9a-f]{16}\.invalid$/)
    const received = watchMessages(client)
    const flow = client.flowTo(transport.advertised)
    flow?.send(Buffer.from(message))
    const [first] = await count(1)
    first?.flow.send(Buffer.from("answer"))
    expect((await received(1))[0]).toMatchObject({ bytes: Buffer.from("answer"), flow })
    expect(client.flowTo(transport.advertised)).toBe(flow)
  })

  test("a client that nobody answers is told", async () => {
    const { transport } = await start()
    const address = transport.advertised
    await transport.stop()
    const client = new WsTransport({ runtime: new SocketRuntime() }, { listens: false })
    open.push(client)
    await client.start()
    const flow = client.flowTo(address)
    expect(await new Promise((resolve) => flow?.onClose(resolve))).toMatchObject({ code: "ECONNREFUSED" })
    expect(client.size).toBe(0)
  })
})

describe("over TLS", () => {
  let authority: TestAuthority
  beforeAll(async () => void (authority = await TestAuthority.create()))
  afterAll(() => authority.remove())

  async function startSecure() {
    const runtime = new SocketRuntime()
    const pem = await authority.issue("wss", [{ type: "dns", value: "phone.example.org" }])
    const certificates = new Certificates({ runtime }, { ...pem, ca: authority.ca })
    await certificates.start()
    const transport = new WssTransport({ runtime, certificates }, { port: 0 })
    const client = new WssTransport({ runtime, certificates }, { listens: false })
    open.push(certificates, transport, client)
    await Promise.all([transport.start(), client.start()])
    return { transport, client, count: watchMessages(transport) }
  }

  test("a browser that trusts the authority connects", async () => {
    const { transport, count } = await startSecure()
    const socket = new WebSocket(`wss://127.0.0.1:${transport.advertised.port}/`, "sip", {
      createConnection: () =>
        connectTls({ host: "127.0.0.1", port: transport.advertised.port, servername: "phone.example.org", ca: readFileSync(authority.ca) }),
    })
    open.push({ stop: () => socket.terminate() })
    await once(socket, "open")
    socket.send(message)
    expect((await count(1))[0]?.bytes.toString()).toBe(message)
  })

  test("a client demands the name that it looked for", async () => {
    const { transport, client, count } = await startSecure()
    const wrong = client.flowTo(transport.advertised)
    wrong?.send(Buffer.from("secret"))
    expect(await new Promise((resolve) => wrong?.onClose(resolve))).toMatchObject({ message: /expected a certificate for 127.0.0.1/ })
    client.flowTo({ ...transport.advertised, serverName: "phone.example.org" })?.send(Buffer.from(message))
    expect((await count(1))[0]?.bytes.toString()).toBe(message)
  })
})
