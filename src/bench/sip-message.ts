/**
 * Messages per second through the SIP message layer, on one core.
 *
 *     node src/bench/sip-message.ts [--seconds 1]     seconds per row
 *
 * "parse" reads what a registrar or proxy reads of every message; "proxy" is
 * that, the edits of one hop, and the bytes to send. The last rows are the
 * worst heads that we know of, as large as they may be (32 kB); their figure that counts is ms per message.
 */
import { parseArgs } from "node:util"
import {
  contactExpires,
  createResponse,
  maxHeadBytes,
  parseContacts,
  parseMessage,
  secondsOf,
  SipRequest,
  SipSyntaxError,
  validateRequest,
} from "../sip/message/index.ts"
import type { SipMessage } from "../sip/message/index.ts"

const { values } = parseArgs({ options: { seconds: { type: "string", default: "1" } } })
const seconds = Number(values.seconds)

const register = message(
  "REGISTER sip:example.com SIP/2.0",
  "Via: SIP/2.0/UDP 192.168.1.17:5062;branch=z9hG4bK-524287-1---8d0f4c7c;rport",
  "Max-Forwards: 70",
  "Contact: <sip:alice@192.168.1.17:5062;transport=udp>;expires=3600;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"",
  'To: "Alice" <sip:alice@example.com>',
  'From: "Alice" <sip:alice@example.com>;tag=4f1c2a39',
  "Call-ID: Y2Q3ZTNkNmYtMTIzNC00ZGQ1",
  "CSeq: 2 REGISTER",
  "Expires: 3600",
  "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE",
  "Supported: path, outbound",
  "User-Agent: Bench/1.0",
  "Content-Length: 0",
)

const sdp = [
  "v=0",
  "o=alice 2890844526 2890844526 IN IP4 192.168.1.17",
  "s=-",
  "c=IN IP4 192.168.1.17",
  "t=0 0",
  "m=audio 49170 RTP/AVP 0 8 101",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:8 PCMA/8000",
  "a=rtpmap:101 telephone-event/8000",
  "",
].join("\r\n")

const invite = Buffer.concat([
  message(
    "INVITE sip:bob@example.com SIP/2.0",
    "Via: SIP/2.0/UDP 192.168.1.17:5062;branch=z9hG4bK-524287-1---1f0a4c7c;rport",
    "Max-Forwards: 70",
    "Route: <sip:p1.example.com;lr>",
    "Contact: <sip:alice@192.168.1.17:5062;transport=udp>",
    "To: <sip:bob@example.com>",
    'From: "Alice" <sip:alice@example.com>;tag=4f1c2a39',
    "Call-ID: Y2Q3ZTNkNmYtMTIzNC00ZGQ2",
    "CSeq: 1 INVITE",
    "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE",
    "Content-Type: application/sdp",
    "Supported: replaces",
    "User-Agent: Bench/1.0",
    `Content-Length: ${sdp.length}`,
  ),
  Buffer.from(sdp),
])

function message(...lines: readonly string[]): Buffer {
  return Buffer.from([...lines, "", ""].join("\r\n"), "latin1")
}

/** What a registrar asks of a REGISTER, and its answer's bytes. */
function readRegister(bytes: Uint8Array): number {
  const request = parseMessage(bytes)
  const contacts = parseContacts(request.headers)
  const expires = secondsOf(request.headers, "Expires") ?? 0
  const first = contacts === "*" ? undefined : contacts[0]
  const sum = (request.via?.branch?.length ?? 0) + request.from.uri.length + request.to.uri.length
  return sum + request.cseq.number + request.callId.length + expires + (first === undefined ? 0 : (contactExpires(first) ?? 0))
}

function answer(bytes: Uint8Array): number {
  const request = parseMessage(bytes)
  if (!(request instanceof SipRequest)) return 0
  validateRequest(request)
  return createResponse(request, 200, "OK", { toTag: "b7c1" }).toBytes().length
}

function proxy(bytes: Uint8Array): number {
  const request = parseMessage(bytes)
  if (!(request instanceof SipRequest)) return 0
  validateRequest(request)
  const { headers, via } = request
  if (via !== undefined) headers.replaceFirst("Via", via.withParam("received", "192.0.2.1").toString())
  headers.removeFirst("Route")
  headers.prepend("Record-Route", "<sip:192.0.2.7;lr>")
  request.maxForwards = (request.maxForwards ?? 71) - 1
  headers.prepend("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKabcdef0123456789;rport")
  return request.toBytes().length
}

/** Everything that anybody might ask of a hostile message. */
function readAll(bytes: Uint8Array): number {
  return attempt(() => {
    const request = parseMessage(bytes)
    const { headers } = request
    return (
      readParts(request) +
      attempt(() => parseContacts(headers).length) +
      ["Via", "Route", "Supported", "X"].reduce((sum, name) => sum + attempt(() => headers.getAll(name).length), 0) +
      attempt(() => (headers.removeFirst("Via") ?? "").length) +
      request.toBytes().length
    )
  })
}

function readParts(request: SipMessage): number {
  return (
    attempt(() => request.via?.params.size ?? 0) +
    attempt(() => request.from.parsedUri.host.length) +
    attempt(() => request.to.params.size) +
    attempt(() => request.cseq.number) +
    attempt(() => (request instanceof SipRequest ? request.requestUri.host.length : 0))
  )
}

function attempt(read: () => number): number {
  try {
    return read()
  } catch (error) {
    if (error instanceof SipSyntaxError) return 1
    throw error
  }
}

/** A message with the largest head, that begins so, goes on with the pattern, and ends properly. */
function filled(head: string, pattern: string, tail = ""): Buffer {
  const room = maxHeadBytes - 4 - head.length - tail.length
  return Buffer.from(head + pattern.repeat(Math.ceil(room / pattern.length)).slice(0, room) + tail, "latin1")
}

const start = `${register.toString("latin1").split("Max-Forwards")[0] ?? ""}`
const end = "\r\nTo: <sip:a@b>\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: a\r\nCSeq: 1 REGISTER\r\n\r\n"
const hostile: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["no line end", filled("REGISTER ", "a")],
  ["spaces in the start line", filled("REGISTER ", " ", end)],
  ["only CRLF", filled("", "\r\n")],
  ["two-byte header lines", filled(start, "a:\r\n", end)],
  ["a line folded 16k times", filled(`${start}X: a`, "\r\n b", end)],
  ["a fold of spaces", filled(`${start}X: a\r\n`, " ", `b${end}`)],
  ["white space in Via", filled(`${start}Via: SIP/2.0/UDP a`, " ", `b${end}`)],
  ["commas in Via", filled(`${start}v: a`, ",", end)],
  ["values in Via", filled(`${start}v: `, "SIP/2.0/UDP a,", end)],
  ["parameters in Contact", filled(`${start}m: <sip:a@b>`, ";a", end)],
  ["open quotes in To", filled(`${start}To: `, '"', end)],
  ["escapes in To", filled(`${start}To: "`, '\\"', end)],
  ["open brackets in Contact", filled(`${start}m: `, "<", end)],
  ["percent signs in the URI", filled("REGISTER sip:", "%41", `@b SIP/2.0\r\n${end}`)],
  ["colons in the URI", filled("REGISTER sip:", ":", `@b SIP/2.0\r\n${end}`)],
]

function rate(work: () => number): number {
  const until = performance.now() + 200
  while (performance.now() < until) work()
  let runs = 0
  let sum = 0
  const from = performance.now()
  const deadline = from + seconds * 1000
  while (performance.now() < deadline) {
    for (let i = 0; i < 64; i++) sum += work()
    runs += 64
  }
  if (!Number.isFinite(sum)) throw new Error("nothing was read")
  return runs / ((performance.now() - from) / 1000)
}

const rows: readonly (readonly [name: string, work: () => number])[] = [
  [`REGISTER parse (${register.length} bytes)`, () => readRegister(register)],
  ["REGISTER parse, validate, 200", () => answer(register)],
  [`INVITE parse (${invite.length} bytes)`, () => readRegister(invite)],
  ["INVITE proxy", () => proxy(invite)],
]
for (const [name, work] of rows) {
  console.log(`${name.padEnd(36)} ${Math.round(rate(work)).toLocaleString("en").padStart(10)} messages/s`)
}
for (const [name, bytes] of hostile) {
  const worst = 1000 / rate(() => readAll(bytes))
  console.log(`32 kB: ${name.padEnd(29)} ${worst.toFixed(3).padStart(10)} ms/message`)
}
