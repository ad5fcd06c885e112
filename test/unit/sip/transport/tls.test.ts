import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { connect as connectTcp, type Socket } from "node:net"
import { connect, type TLSSocket } from "node:tls"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { Certificates, TlsTransport, type StreamOptions } from "../../../../src/sip/transport/index.ts"
import { TestAuthority, type PemFiles } from "../../../support/certificates.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"
import { watchMessages } from "../../../support/watch-messages.ts"

let authority: TestAuthority
let files: PemFiles
beforeAll(async () => {
  authority = await TestAuthority.create()
  files = await authority.issue("sip", [{ type: "dns", value: "example.org" }])
})
afterAll(() => authority.remove())

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.stop()
})

async function start(options: StreamOptions = {}, pem = files) {
  const runtime = new SocketRuntime()
  const certificates = new Certificates({ runtime }, { ...pem, ca: authority.ca })
  await certificates.start()
  const transport = new TlsTransport({ runtime, certificates }, { port: 0, ...options })
  open.push(certificates, transport)
  await transport.start()
  const count = watchMessages(transport)
  const closed = (reason: string) => runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol: "TLS", reason })
  return { runtime, certificates, transport, count, closed }
}

function phone(transport: TlsTransport, options: object = {}): TLSSocket {
  const socket = connect({
    ...{ host: "127.0.0.1", port: transport.advertised.port, servername: "example.org", ca: readFileSync(authority.ca) },
    ...options,
  })
  socket.on("error", () => undefined)
  open.push({ stop: () => void socket.destroy() })
  return socket
}

/** However it ends. */
const ended = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once("close", () => resolve()))

const message = "OPTIONS sip:b@x SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"

test("messages come in on the connection, on which the answers go back", async () => {
  const { transport, count } = await start()
  const socket = phone(transport)
  socket.write(message)
  const [received] = await count(1)
  expect(received?.text).toBe(message)
  received?.flow.send(Buffer.from("answer"))
  expect(String((await once(socket, "data"))[0])).toBe("answer")
})

test("two elements that know each other's names exchange messages over one connection", async () => {
  const [a, b] = [await start(), await start()]
  const flow = a.transport.flowTo({ ...b.transport.advertised, serverName: "example.org" })
  flow?.send(Buffer.from(message))
  const [received] = await b.count(1)
  received?.flow.send(Buffer.from(message))
  expect((await a.count(1))[0]?.flow).toBe(flow)
  expect(a.transport.flowTo({ ...b.transport.advertised, serverName: "example.org" })).toBe(flow)
})

test("IPv6 addresses serve as well, and may be what the certificate is for", async () => {
  const pem = await authority.issue("six", [{ type: "ip", value: "::1" }])
  const [a, b] = [await start({ host: "::1" }, pem), await start({ host: "::1" }, pem)]
  a.transport.flowTo(b.transport.advertised)?.send(Buffer.from(message))
  expect((await b.count(1))[0]?.flow.remote.host).toBe("::1")
})

test("a connection for one name is not used for another at the same address", async () => {
  const [a, b] = [await start(), await start()]
  const [one, other] = ["example.org", "example.net"].map((serverName) => a.transport.flowTo({ ...b.transport.advertised, serverName }))
  expect(other).not.toBe(one)
})

test("what connects from an address is not what lives there: no request goes to it by its address", async () => {
  const { transport, count } = await start()
  phone(transport).write(message)
  const { flow } = (await count(1))[0] ?? {}
  expect(flow && transport.flowTo(flow.remote)).not.toBe(flow)
})

describe("an element that cannot prove to be the one looked for gets not a byte:", () => {
  async function outcome(serverName: string, pem = files): Promise<{ error: Error | undefined; received: number }> {
    const [a, b] = [await start(), await start({}, pem)]
    const received: unknown[] = []
    b.transport.onMessage((bytes) => received.push(bytes))
    const flow = a.transport.flowTo({ ...b.transport.advertised, serverName })
    flow?.send(Buffer.from(message))
    const error = await new Promise<Error | undefined>((resolve) => flow?.onClose(resolve))
    return { error, received: received.length }
  }

  test("another name", async () => {
    const { error, received } = await outcome("example.net")
    expect(error?.message).toBe("expected a certificate for example.net, found one for DNS:example.org")
    expect(received).toBe(0)
  })

  test("an authority that nobody knows", async () => {
    const stranger = await TestAuthority.create()
    open.push({ stop: () => stranger.remove() })
    const { error, received } = await outcome("example.org", await stranger.issue("sip", [{ type: "dns", value: "example.org" }]))
    expect(error).toBeInstanceOf(Error)
    expect(received).toBe(0)
  })
})

describe("hostile handshakes", () => {
  test("TLS 1.1 and what is no TLS at all are refused, and counted", async () => {
    const { transport, closed } = await start()
    await ended(phone(transport, { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }))
    const plain = connectTcp(transport.advertised.port, "127.0.0.1")
    plain.on("error", () => undefined)
    plain.write(message)
    await ended(plain)
    expect(closed("tls-handshake")).toBe(2)
    expect(transport.size).toBe(0)
  })

  test("one that never goes on counts against its source, and is given up", async () => {
    const { runtime, transport, closed } = await start({ maxConnectionsPerSource: 2 })
    const silent = connectTcp(transport.advertised.port, "127.0.0.1")
    await once(silent, "connect")
    const socket = phone(transport)
    await once(socket, "secureConnect")
    await ended(phone(transport))
    expect(closed("too-many-from-source")).toBe(1)
    runtime.advance(11_000)
    await ended(silent)
    expect(closed("handshake-timeout")).toBe(1)
    expect(transport.size).toBe(1)
  })
})

describe("certificates", () => {
  const shown = async (transport: TlsTransport): Promise<string | undefined> => {
    const socket = phone(transport, { rejectUnauthorized: false })
    await once(socket, "secureConnect")
    return socket.getPeerCertificate().subjectaltname
  }

  test("new files are used for new connections, while old ones go on", async () => {
    const pem = await authority.issue("renewed", [{ type: "dns", value: "old.example.org" }])
    const { transport, certificates, count } = await start({}, pem)
    const old = phone(transport, { rejectUnauthorized: false })
    old.write(message)
    await count(1)
    expect(await certificates.reload()).toBe(false)
    await authority.issue("renewed", [{ type: "dns", value: "new.example.org" }])
    expect(await certificates.reload()).toBe(true)
    expect(await shown(transport)).toBe("DNS:new.example.org")
    old.write(message)
    await count(2)
  })

  test("files that have changed are found within a minute", async () => {
    const pem = await authority.issue("watched", [{ type: "dns", value: "old.example.org" }])
    const { runtime, transport, certificates } = await start({}, pem)
    const renewed = new Promise((resolve) => certificates.onRenewal(resolve))
    await authority.issue("watched", [{ type: "dns", value: "new.example.org" }])
    runtime.advance(60_000)
    await renewed
    expect(await shown(transport)).toBe("DNS:new.example.org")
  })

  test("files that cannot be used are refused, and the old ones stay", async () => {
    const pem = await authority.issue("broken", [{ type: "dns", value: "old.example.org" }])
    const { transport, certificates } = await start({}, pem)
    writeFileSync(pem.key, readFileSync(files.key))
    await expect(certificates.reload()).rejects.toMatchObject({ code: "P2PSIP_BAD_CONFIG" })
    expect(await shown(transport)).toBe("DNS:old.example.org")
  })

  test("files that are not there are named", async () => {
    const certificates = new Certificates({ runtime: new SocketRuntime() }, { certificate: "/nowhere/sip.pem", key: files.key })
    await expect(certificates.start()).rejects.toThrow("tls.certificate: expected a readable PEM file at /nowhere/sip.pem, found ENOENT")
  })
})
