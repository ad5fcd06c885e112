/** A DNS server on loopback, over UDP and TCP, that says what the test wants. */
import { createSocket, type RemoteInfo } from "node:dgram"
import { createServer, type Server } from "node:net"
import { AUTHORITATIVE_ANSWER, decode, encode, TRUNCATED_RESPONSE, type Answer, type Packet } from "dns-packet"
import type { NaptrRecord, SrvRecord } from "../../src/dns/index.ts"

const noSuchName = 3
const serverFailure = 2

/** What a name has. */
export interface DnsEntry {
  readonly A?: readonly string[]
  readonly AAAA?: readonly string[]
  readonly SRV?: readonly Partial<SrvRecord>[]
  readonly NAPTR?: readonly Partial<NaptrRecord>[]
  readonly CNAME?: string
  /** @default 300 */
  readonly ttlSeconds?: number
}

export type Zone = Readonly<Record<string, DnsEntry>>

/** See the head of this file. */
export class TestDnsServer {
  zone: Zone
  /** Each question: `SRV _sip._udp.example.com`. */
  readonly questions: string[] = []
  /** How it behaves; `liar` sends nine wrong answers first, over UDP. */
  mood: "well" | "silent" | "failing" | "truncating" | "liar" = "well"
  /** How long "no" holds, in seconds; undefined for no SOA. */
  negativeTtlSeconds: number | undefined = 60
  readonly #udp = createSocket("udp4")
  readonly #tcp: Server = createServer((socket) => {
    socket.on("error", () => undefined)
    socket.once("data", (chunk) => {
      const answer = this.#answer(chunk.subarray(2), true)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(answer?.length ?? 0)
      socket.end(answer === undefined ? "" : Buffer.concat([length, answer]))
    })
  })
  #port = 0

  constructor(zone: Zone = {}) {
    this.zone = zone
  }

  /** `127.0.0.1:40001`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => void this.#tcp.listen(0, "127.0.0.1", resolve))
    const bound = this.#tcp.address()
    this.#port = typeof bound === "object" && bound !== null ? bound.port : 0
    this.#udp.on("message", (bytes, from) => this.#receive(bytes, from))
    await new Promise<void>((resolve) => void this.#udp.bind(this.#port, "127.0.0.1", resolve))
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => void this.#udp.close(resolve))
    await new Promise<void>((resolve) => void this.#tcp.close(() => resolve()))
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    const answer = this.#answer(bytes, false)
    if (answer === undefined) return
    if (this.mood === "liar") {
      for (let lie = 1; lie <= 9; lie++) {
        const wrong = Buffer.from(answer)
        wrong.writeUInt16BE((wrong.readUInt16BE() + lie) & 0xffff)
        this.#udp.send(wrong, from.port, from.address)
      }
    }
    this.#udp.send(answer, from.port, from.address)
  }

  #answer(bytes: Buffer, isTcp: boolean): Buffer | undefined {
    const query = decode(bytes)
    const [question] = query.questions ?? []
    if (question === undefined || this.mood === "silent") return undefined
    this.questions.push(`${question.type} ${question.name}${isTcp ? " over TCP" : ""}`)
    const reply: Packet = { type: "response", flags: AUTHORITATIVE_ANSWER, questions: query.questions ?? [] }
    if (query.id !== undefined) reply.id = query.id
    if (this.mood === "failing") return encode({ ...reply, flags: serverFailure })
    if (this.mood === "truncating" && !isTcp) return encode({ ...reply, flags: TRUNCATED_RESPONSE })
    const answers = this.#answersTo(question.name, question.type)
    if (answers.length > 0) return encode({ ...reply, answers })
    const isKnown = this.zone[question.name] !== undefined
    return encode({ ...reply, flags: isKnown ? AUTHORITATIVE_ANSWER : AUTHORITATIVE_ANSWER | noSuchName, authorities: this.#authority() })
  }

  #answersTo(name: string, type: string): Answer[] {
    const entry = this.zone[name]
    if (entry === undefined) return []
    const ttl = entry.ttlSeconds ?? 300
    if (entry.CNAME !== undefined) return [{ type: "CNAME", name, ttl, data: entry.CNAME }, ...this.#answersTo(entry.CNAME, type)]
    switch (type) {
      case "A":
        return (entry.A ?? []).map((data) => ({ type: "A", name, ttl, data }))
      case "AAAA":
        return (entry.AAAA ?? []).map((data) => ({ type: "AAAA", name, ttl, data }))
      case "SRV":
        return (entry.SRV ?? []).map((data) => ({ type: "SRV", name, ttl, data: { priority: 0, weight: 0, port: 5060, target: ".", ...data } }))
      case "NAPTR":
        return (entry.NAPTR ?? []).map(({ service = "", ...data }) => {
          return { type: "NAPTR", name, ttl, data: { order: 0, preference: 0, flags: "s", regexp: "", replacement: ".", services: service, ...data } }
        })
      default:
        return []
    }
  }

  #authority(): Answer[] {
    if (this.negativeTtlSeconds === undefined) return []
    const data = { mname: "ns.test", rname: "root.test", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: this.negativeTtlSeconds }
    return [{ type: "SOA", name: "test", ttl: 3600, data }]
  }
}
