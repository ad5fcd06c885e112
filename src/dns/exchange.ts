/** One question to one server, over UDP or TCP. */
import { createSocket } from "node:dgram"
import { connect, isIP } from "node:net"
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { RecordType } from "./dns.ts"
import { encodeQuestion, readReply, type Question, type Reply } from "./message.ts"
import type { DnsServer } from "./servers.ts"

/** What an exchange is built on, and how long it may take. */
export interface ExchangeSettings {
  readonly runtime: Runtime
  readonly server: DnsServer
  readonly timeoutMs: number
}

/** `useTcp`: the answer was cut short, or somebody is guessing ids. `failed`: the server says that it cannot tell. */
export type Outcome<T extends RecordType> = Reply<T> | "useTcp" | "failed"

/** Wrong answers to one question after which somebody must be guessing. */
const maxMismatches = 8
const lengthBytes = 2

/** Asks over UDP. Rejects with `P2PSIP_TIMEOUT` or `P2PSIP_UNREACHABLE`. */
export function askOverUdp<T extends RecordType>({ runtime, server, timeoutMs }: ExchangeSettings, question: Question<T>): Promise<Outcome<T>> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome<T>>()
  // A socket for each question: the port is as hard to guess as the id, and only the server's answers come in.
  const socket = createSocket({ type: isIP(server.host) === 6 ? "udp6" : "udp4" })
  const timer = runtime.setTimer(timeoutMs, () => reject(silent(server)))
  let mismatches = 0
  socket.on("error", (error) => reject(unreachable(server, error)))
  socket.on("message", (bytes) => {
    const reply = readReply(bytes, question)
    if (reply === "mismatch" || reply === "malformed") {
      if (++mismatches >= maxMismatches) resolve("useTcp")
    } else resolve(reply === "truncated" ? "useTcp" : reply)
  })
  socket.connect(server.port, server.host, () => socket.send(encodeQuestion(question)))
  return promise.finally(() => {
    timer.cancel()
    socket.close()
  })
}

/** Asks over TCP (RFC 7766). Rejects as {@link askOverUdp}. */
export function askOverTcp<T extends RecordType>({ runtime, server, timeoutMs }: ExchangeSettings, question: Question<T>): Promise<Outcome<T>> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome<T>>()
  const timer = runtime.setTimer(timeoutMs, () => reject(silent(server)))
  const socket = connect({ host: server.host, port: server.port, noDelay: true })
  let received = Buffer.alloc(0)
  socket.on("error", (error) => reject(unreachable(server, error)))
  socket.on("close", () => reject(unreachable(server, undefined)))
  socket.on("connect", () => {
    const query = encodeQuestion(question)
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt16BE(query.length)
    socket.write(Buffer.concat([length, query]))
  })
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (received.length < lengthBytes) return
    const length = received.readUInt16BE()
    if (received.length < lengthBytes + length) return
    const reply = readReply(received.subarray(lengthBytes, lengthBytes + length), question)
    resolve(typeof reply === "string" ? "failed" : reply)
  })
  return promise.finally(() => {
    timer.cancel()
    socket.destroy()
  })
}

function silent({ host }: DnsServer): P2PSipError {
  return new P2PSipError("P2PSIP_TIMEOUT", `DNS server ${host}: expected an answer in time, found none`)
}

function unreachable({ host }: DnsServer, cause: Error | undefined): P2PSipError {
  return new P2PSipError("P2PSIP_UNREACHABLE", `DNS server ${host}: expected an answer, found ${cause?.message ?? "a closed connection"}`, { cause })
}
