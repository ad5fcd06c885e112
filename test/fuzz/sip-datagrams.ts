/**
 * Hostile SIP datagrams for every port that takes SIP: valid messages broken
 * in one or a few places, messages that obey the letter and strain the
 * reader, and plain noise. The same seed gives the same datagrams.
 */

const maxDatagramBytes = 65_507

interface Random {
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number
}

/** mulberry32: small, seeded, good enough to pick faults. */
function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    below(bound) {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
    },
  }
}

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[random.below(items.length)] ?? items[0]
}

function register(call: number, domain: string): string {
  return lines(
    `REGISTER sip:${domain} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-fuzz-${call};rport`,
    "Max-Forwards: 70",
    `From: "Fuzz" <sip:fuzz@${domain}>;tag=f1`,
    `To: <sip:fuzz@${domain}>`,
    `Call-ID: fuzz-${call}@127.0.0.1`,
    "CSeq: 1 REGISTER",
    "Contact: <sip:fuzz@127.0.0.1:5070>;expires=60;q=0.5",
    "Expires: 60",
    "Content-Length: 0",
  )
}

function invite(call: number, domain: string): string {
  const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
  return (
    lines(
      `INVITE sip:bob@${domain} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-fuzz-${call};rport, SIP/2.0/TCP [::1]:5061;branch=z9hG4bK-2`,
      "Max-Forwards: 3",
      "Route: <sip:127.0.0.1;lr>, <sip:192.0.2.1:5060;lr>",
      "Record-Route: <sip:192.0.2.2;lr>",
      `From: <sip:fuzz@${domain}>;tag=f1`,
      `To: <sip:bob@${domain}>`,
      `Call-ID: fuzz-${call}@127.0.0.1`,
      "CSeq: 1 INVITE",
      "Contact: <sip:fuzz@127.0.0.1:5070>",
      "Require: 100rel",
      'Authorization: Digest username="fuzz", realm="example.com", nonce="1", uri="sip:example.com", response="00"',
      "Content-Type: application/sdp",
      `Content-Length: ${sdp.length}`,
    ) + sdp
  )
}

function response(call: number, domain: string): string {
  return lines(
    "SIP/2.0 200 OK",
    `Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK-fuzz-${call}`,
    `From: <sip:fuzz@${domain}>;tag=f1`,
    `To: <sip:bob@${domain}>;tag=t1`,
    `Call-ID: fuzz-${call}@127.0.0.1`,
    "CSeq: 1 INVITE",
    "Contact: <sip:bob@127.0.0.1:5090>",
    "Content-Length: 0",
  )
}

function lines(...parts: readonly string[]): string {
  return [...parts, "", ""].join("\r\n")
}

/** What likes to be misread, for a place in the middle of a message. */
const morsels = [
  "\r\n", "\n", "\r", "\0", "\r\n\r\n", "\r\n ", " ", "\t", '"', "\\", "<", ">", ",", ";", ":", "@", "%", "%00", "%zz", "?", "=", "*",
  "[", "]", "/", "SIP/2.0", "Content-Length: 99999\r\n", "Content-Length: -1\r\n", "l: 1\r\nl: 2\r\n", "Via: SIP/2.0/UDP 255.255.255.255\r\n",
  "\xff\xfe", "\xc3\x28", "4294967296", "-1", "1e9", "z9hG4bK", ";received=", ";rport=99999", ";maddr=224.0.0.1", ";ttl=999",
  ";q=1.0001", ";expires=99999999999999999999", "sip:", "sips:", "tel:+1", "__proto__", "constructor",
] as const satisfies readonly [string, ...string[]]

/** Breaks a message in one or a few places. */
type Fault = (random: Random, text: string) => string

function place(random: Random, text: string): number {
  return random.below(text.length + 1)
}

const truncated: Fault = (random, text) => text.slice(0, place(random, text))

const inserted: Fault = (random, text) => {
  for (let faults = 1 + random.below(4); faults > 0; faults--) {
    const at = place(random, text)
    text = text.slice(0, at) + pick(random, morsels) + text.slice(at)
  }
  return text
}

const overwritten: Fault = (random, text) => {
  const codes = [...text]
  for (let faults = 1 + random.below(8); faults > 0; faults--) {
    codes[random.below(codes.length)] = String.fromCharCode(random.below(256))
  }
  return codes.join("")
}

const cut: Fault = (random, text) => {
  const at = place(random, text)
  return text.slice(0, at) + text.slice(at + random.below(60))
}

/** A line missing, twice, elsewhere, or with another value. */
const lineFault: Fault = (random, text) => {
  const parts = text.split("\r\n")
  const at = random.below(parts.length)
  const line = parts[at] ?? ""
  const change = random.below(4)
  if (change === 0) parts.splice(at, 1)
  else if (change === 1) parts.splice(at, 0, line)
  else if (change === 2) parts.splice(random.below(parts.length), 0, ...parts.splice(at, 1))
  else parts[at] = `${line.split(":")[0] ?? ""}: ${pick(random, morsels).repeat(1 + random.below(200))}`
  return parts.join("\r\n")
}

const oversized: Fault = (random, text) => {
  const at = place(random, text)
  const morsel = pick(random, morsels)
  const room = Math.max(0, maxDatagramBytes - text.length)
  return text.slice(0, at) + morsel.repeat(Math.floor(room / morsel.length)) + text.slice(at)
}

const manyHeaders: Fault = (random, text) => {
  const header = pick(random, ["a:\r\n", "Via: SIP/2.0/UDP a\r\n", "Route: <sip:a>\r\n", "Contact: <sip:a@b>\r\n", "X: y\r\n z\r\n"])
  return text.replace("\r\n", () => `\r\n${header.repeat(1 + random.below(4000))}`)
}

const noise: Fault = (random) => {
  let text = ""
  for (let left = random.below(1400); left > 0; left--) text += String.fromCharCode(random.below(256))
  return text
}

const tiny: Fault = (random) => pick(random, ["", "\0", "\r\n", "\r\n\r\n", "SIP", "SIP/2.0", "SIP/2.0 200 OK\r\n\r\n", "A B SIP/2.0\r\n\r\n"])

const faults = [truncated, inserted, inserted, overwritten, cut, lineFault, oversized, manyHeaders, noise, tiny] as const

/** Broken copies of one message, such as an answer to what was received. A few of them may still be valid. */
export function* brokenCopies(message: Uint8Array, options: { readonly seed: number; readonly count: number }): Generator<Buffer> {
  const random = seededRandom(options.seed)
  const text = Buffer.from(message).toString("latin1")
  for (let copy = 0; copy < options.count; copy++) yield broken(random, text, maxDatagramBytes)
}

function broken(random: Random, text: string, maxBytes: number): Buffer {
  return Buffer.from(pick(random, faults)(random, text).slice(0, maxBytes), "latin1")
}

/** Options of {@link hostileDatagrams}. */
export interface HostileOptions {
  readonly seed: number
  readonly count: number
  /** What the messages are addressed to, so that some get past the first check. @default "example.com" */
  readonly domain?: string
  /** Longer datagrams are cut off. @default 65507, the most that UDP carries */
  readonly maxBytes?: number
}

/** Datagrams that a SIP port must survive; a few of them happen to be valid. */
export function* hostileDatagrams(options: HostileOptions): Generator<Buffer> {
  const { seed, count, domain = "example.com", maxBytes = maxDatagramBytes } = options
  const random = seededRandom(seed)
  for (let call = 0; call < count; call++) {
    yield broken(random, pick(random, [register, invite, response])(call, domain), maxBytes)
  }
}
