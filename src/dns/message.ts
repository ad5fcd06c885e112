/** DNS messages (RFC 1035 §4): a question as bytes, and what an answer says. Pure. */
import { isIPv4, isIPv6 } from "node:net"
import { decode, encode, RECURSION_DESIRED, type Answer, type DecodedPacket, type OptAnswer } from "dns-packet"
import type { RecordData, RecordType } from "./dns.ts"

/** What an answer says about the name and type that were asked for. */
export interface Reply<T extends RecordType> {
  /** Nothing for NXDOMAIN and for a name without such records. */
  readonly records: readonly RecordData[T][]
  /** How long that holds; undefined where the answer does not say. */
  readonly ttlSeconds: number | undefined
}

/** Why an answer cannot be used: not ours, cut short, the server's failure, not even a message. */
export type Unusable = "mismatch" | "truncated" | "failed" | "malformed"

/** What a question is known by when the answer comes. */
export interface Question<T extends RecordType = RecordType> {
  readonly id: number
  readonly name: string
  readonly type: T
}

const maxRecords = 32
const maxAliases = 8
const truncatedFlag = 0x200
const codeMask = 0xf
const noError = 0
const noSuchName = 3
/** What crosses the Internet in one piece (RFC 9715). */
const udpPayloadBytes = 1232

/** Whether a text can be a name in the DNS: labels of letters, digits, `-` and `_`. */
export function isDnsName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(text)
}

/** Lower case, without the dot at the end. */
export function plainName(name: string): string {
  const lower = name.toLowerCase()
  return lower.endsWith(".") ? lower.slice(0, -1) : lower
}

/** The query for a recursive server. */
export function encodeQuestion({ id, name, type }: Question): Uint8Array {
  const edns: OptAnswer = { type: "OPT", name: ".", udpPayloadSize: udpPayloadBytes, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }
  return encode({ type: "query", id, flags: RECURSION_DESIRED, questions: [{ type, name, class: "IN" }], additionals: [edns] })
}

/** What a server's message says to a question. */
export function readReply<T extends RecordType>(bytes: Uint8Array, question: Question<T>): Reply<T> | Unusable {
  const packet = safely(() => decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)))
  if (packet === undefined) return "malformed"
  if (!isFor(packet, question)) return "mismatch"
  const flags = packet.flags ?? 0
  if ((flags & truncatedFlag) !== 0) return "truncated"
  const code = flags & codeMask
  if (code !== noError && code !== noSuchName) return "failed"
  return code === noSuchName ? negative(packet) : positive(packet, question)
}

function isFor(packet: DecodedPacket, { id, name, type }: Question): boolean {
  const [asked] = packet.questions ?? []
  return packet.type === "response" && packet.id === id && asked !== undefined && plainName(asked.name) === name && asked.type === type
}

function positive<T extends RecordType>(packet: DecodedPacket, question: Question<T>): Reply<T> {
  let name = question.name
  let ttlSeconds = Infinity
  for (let alias = 0; alias <= maxAliases; alias++) {
    const ofName = (packet.answers ?? []).filter((answer) => plainName(answer.name) === name)
    const found = ofName.filter(({ type }) => type === question.type).slice(0, maxRecords)
    if (found.length > 0) {
      for (const answer of found) ttlSeconds = Math.min(ttlSeconds, ttlOf(answer))
      const records = found.map(readers[question.type]).filter((data) => data !== undefined)
      return { records, ttlSeconds }
    }
    const next = ofName.find(({ type }) => type === "CNAME")
    if (next?.type !== "CNAME" || typeof next.data !== "string") break
    ttlSeconds = Math.min(ttlSeconds, ttlOf(next))
    name = plainName(next.data)
  }
  return negative(packet)
}

/** RFC 2308 §5: for as long as the zone's SOA says, twice. */
function negative(packet: DecodedPacket): { readonly records: []; readonly ttlSeconds: number | undefined } {
  const soa = (packet.authorities ?? []).find(({ type }) => type === "SOA")
  const ttlSeconds = soa?.type === "SOA" ? Math.min(ttlOf(soa), soa.data.minimum ?? 0) : undefined
  return { records: [], ttlSeconds }
}

function ttlOf(answer: Answer): number {
  const ttl = "ttl" in answer && typeof answer.ttl === "number" ? answer.ttl : 0
  // RFC 2181 §8: with the highest bit set it counts as zero.
  return ttl >= 0 && ttl < 0x8000_0000 ? ttl : 0
}

/** The data of one record; undefined where it makes no sense. */
const readers: { readonly [Type in RecordType]: (answer: Answer) => RecordData[Type] | undefined } = {
  A: (answer) => (answer.type === "A" && isIPv4(answer.data) ? answer.data : undefined),
  AAAA: (answer) => (answer.type === "AAAA" && isIPv6(answer.data) ? answer.data : undefined),
  SRV: srvOf,
  NAPTR: naptrOf,
}

function srvOf(answer: Answer): RecordData["SRV"] | undefined {
  if (answer.type !== "SRV") return undefined
  const { priority = 0, weight = 0, port } = answer.data
  const target = plainName(answer.data.target)
  if (target !== "" && (!isDnsName(target) || port === 0)) return undefined
  return { priority, weight, port, target }
}

function naptrOf(answer: Answer): RecordData["NAPTR"] | undefined {
  if (answer.type !== "NAPTR") return undefined
  const { order, preference, flags, services, regexp, replacement } = answer.data
  return { order, preference, flags, service: services, regexp, replacement: plainName(replacement) }
}

function safely<Result>(action: () => Result): Result | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
