/** SIP messages as phones send them every day, and what can be odd about one: for comparing parsers. */
import fc from "fast-check"

/** A message in parts; Content-Length is added where `length` says so. */
export interface Parts {
  readonly startLine: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

const letters = [..."abcdefghijklmnopqrstuvwxyz"]
const word = fc.array(fc.constantFrom(...letters, ..."0123456789"), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""))
const host = fc.oneof(fc.tuple(word, word).map(([a, b]) => `h${a}.x${b}.example`), fc.ipV4())
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
const hostPort = fc.tuple(host, port).map(([name, number]) => (number === undefined ? name : `${name}:${number}`))
const uri = fc.tuple(fc.constantFrom("sip", "sips"), word, hostPort, fc.constantFrom("", ";transport=tcp", ";lr", ";user=phone"))
  .map(([scheme, user, at, params]) => `${scheme}:${user}@${at}${params}`)
const display = fc.oneof(fc.constant(""), word.map((name) => `"${name}" `), word.map((name) => `A${name} B `))
const address = fc.tuple(display, uri).map(([name, target]) => `${name}<${target}>`)
const via = fc.tuple(fc.constantFrom("UDP", "TCP", "TLS", "WS", "WSS"), hostPort, word).map(([protocol, at, branch]) => `SIP/2.0/${protocol} ${at};branch=z9hG4bK${branch}`)
const method = fc.constantFrom("INVITE", "REGISTER", "MESSAGE", "OPTIONS", "BYE", "SUBSCRIBE")
const status = fc.constantFrom("180 Ringing", "200 OK", "302 Moved Temporarily", "486 Busy Here", "603 Decline")

/** The headers that each message has. */
function headersOf(cseqMethod: string): fc.Arbitrary<readonly (readonly [string, string])[]> {
  const sequence = fc.integer({ min: 1, max: 2 ** 31 - 1 })
  return fc.tuple(via, address, word, address, word, fc.tuple(word, host), sequence, fc.array(address, { minLength: 1, maxLength: 2 })).map(
    ([top, from, fromTag, to, toTag, [id, at], number, contacts]) => [
      ["Via", `${top};rport`],
      ["Max-Forwards", "70"],
      ["From", `${from};tag=${fromTag}`],
      ["To", `${to};tag=${toTag}`],
      ["Call-ID", `${id}@${at}`],
      ["CSeq", `${number} ${cseqMethod}`],
      ["Contact", contacts.map((contact) => `${contact};expires=60`).join(", ")],
      ["User-Agent", "Phone/1.0"],
    ],
  )
}

const body = fc.constantFrom("", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n", "hello")

/** A request or response with nothing odd about it. */
export const ordinaryMessage: fc.Arbitrary<Parts> = fc.tuple(method, fc.boolean(), uri, status).chain(([name, isRequest, target, answer]) =>
  fc.record({ startLine: fc.constant(isRequest ? `${name} ${target} SIP/2.0` : `SIP/2.0 ${answer}`), headers: headersOf(name), body }),
)

/** The bytes of a message, with a right Content-Length unless it has one already. */
export function bytesOf({ startLine, headers, body: text }: Parts): Buffer {
  const hasLength = headers.some(([name]) => /^(?:content-length|l)$/i.test(name.trim()))
  const all = hasLength ? headers : [...headers, ["Content-Length", String(Buffer.byteLength(text, "latin1"))] as const]
  return Buffer.from(`${startLine}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${text}`, "latin1")
}

type Oddity = (parts: Parts) => Parts

function changing(name: string, change: (value: string) => string): Oddity {
  return (parts) => ({ ...parts, headers: parts.headers.map((header) => (header[0] === name ? [name, change(header[1])] : header)) })
}

function renaming(names: Readonly<Record<string, string>>): Oddity {
  return (parts) => ({ ...parts, headers: parts.headers.map(([name, value]) => [names[name] ?? name, value]) })
}

function adding(name: string, value: string): Oddity {
  return (parts) => ({ ...parts, headers: [...parts.headers, [name, value]] })
}

function without(name: string): Oddity {
  return (parts) => ({ ...parts, headers: parts.headers.filter((header) => header[0] !== name) })
}

function starting(change: (line: string) => string): Oddity {
  return (parts) => ({ ...parts, startLine: change(parts.startLine) })
}

const inUri = (change: string): ((value: string) => string) => (value) => value.replace(/:(?=[a-z0-9]+@)/, `:${change}`)

/** What may be odd about a message, by name. */
export const oddities: Readonly<Record<string, Oddity>> = {
  "compact names": renaming({ Via: "v", From: "f", To: "t", "Call-ID": "i", Contact: "m" }),
  "names in other case": renaming({ Via: "VIA", From: "from", "Call-ID": "call-id", CSeq: "cSEQ", Contact: "CONTACT" }),
  "a blank before the colon": renaming({ From: "From ", CSeq: "CSeq\t" }),
  "a folded From": changing("From", (value) => value.replace(";tag", "\r\n ;tag")),
  "a folded CSeq": changing("CSeq", (value) => value.replace(" ", "\r\n\t")),
  "a Via with blanks around its parts": changing("Via", (value) => value.replace("SIP/2.0/", "SIP / 2.0 / ").replace(";branch=", " ; branch = ")),
  "two Vias in one line": changing("Via", (value) => `${value}, SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKsecond`),
  "an unheard-of transport": changing("Via", (value) => value.replace(/2\.0\/\w+/, "2.0/SCTP-NEW")),
  "an IPv6 address in Via": changing("Via", (value) => value.replace(/ \S+?(?=;)/, " [2001:db8::1]:5060")),
  "an IPv6 address in From": changing("From", (value) => value.replace(/@[^;>]+/, "@[2001:db8::1]:5060")),
  "received with an IPv6 address": changing("Via", (value) => `${value};received=2001:db8::9`),
  "a host in capitals": changing("To", (value) => value.replace(/@[^;>]+/, "@EXAMPLE.com")),
  "a scheme in capitals": changing("To", (value) => value.replace(/sips?:/, "SIP:")),
  "a user with an escape": changing("From", inUri("%41%2e")),
  "a user with a password": changing("From", (value) => value.replace("@", ":secret@")),
  "a user with ; and ?": changing("To", inUri("a;b=c?d&e/")),
  "no user": changing("To", (value) => value.replace(/:[a-z0-9]+@/, ":")),
  "a tel URI in To": changing("To", (value) => value.replace(/<[^>]+>/, "<tel:+4930123>")),
  "a quotation mark in a display name": changing("From", (value) => value.replace(/^[^<]*/, '"a \\" b" ')),
  "an angle bracket in a display name": changing("From", (value) => value.replace(/^[^<]*/, '"a <sip:x@y> b" ')),
  "UTF-8 in a display name": changing("From", (value) => value.replace(/^[^<]*/, '"J\u00c3\u00b6rg" ')),
  "no blank between display name and <": changing("To", (value) => value.replace(/^[^<]*/, '"name"')),
  "an address without brackets": changing("To", (value) => value.replace(/^[^<]*<([^;>]+)[^>]*>/, "$1")),
  "a parameter that is a quoted string": changing("From", (value) => `${value};x="a;b,c"`),
  "a comma in a display name of a Contact": changing("Contact", (value) => value.replace(/^[^<]*/, '"a, b" ')),
  "headers in a Contact's URI": changing("Contact", (value) => value.replace(">", "?Subject=x&Route=%3Csip:y%3E>")),
  "a Contact that is *": changing("Contact", () => "*"),
  "a URI parameter with brackets": changing("Contact", (value) => value.replace(">", ";x=[a]/b:c>")),
  "an odd Call-ID": changing("Call-ID", () => "(a)<b>\\\"[c]{d}?/%~*"),
  "an odd method": (parts) => changing("CSeq", (value) => value.replace(/\w+$/, "!odd.M-1%"))(starting((line) => (line.startsWith("SIP/") ? line : line.replace(/^\w+/, "!odd.M-1%")))(parts)),
  "an empty reason": starting((line) => line.replace(/^(SIP\/2\.0 \d+ ).*/, "$1")),
  "UTF-8 in the reason": starting((line) => line.replace(/^(SIP\/2\.0 \d+ ).*/, "$1\u00d0\u00bf\u00d1\u0080")),
  "octets behind the body": (parts) => ({ ...adding("Content-Length", String(parts.body.length))(parts), body: `${parts.body}trailing` }),
  "zeros before the CSeq": changing("CSeq", (value) => `000${value}`),
  "a CSeq above 2**31": changing("CSeq", (value) => value.replace(/^\d+/, "4294967296")),
  "a CSeq of another method": (parts) => (parts.startLine.startsWith("SIP/") ? parts : changing("CSeq", (value) => value.replace(/\w+$/, "ACK"))(parts)),
  "a negative Content-Length": adding("Content-Length", "-1"),
  "a body shorter than Content-Length": adding("Content-Length", "999"),
  "two Content-Lengths": (parts) => adding("Content-Length", "0")(adding("Content-Length", String(parts.body.length))(parts)),
  "two CSeqs": adding("CSeq", "7 INFO"),
  "two Froms": adding("From", "<sip:other@example.com>;tag=other"),
  "no From": without("From"),
  "no Call-ID": without("Call-ID"),
  "no Via": without("Via"),
  "an unterminated quoted string": changing("To", (value) => value.replace(/^[^<]*/, '"open ')),
  "an unterminated <": changing("To", (value) => value.replace(">", "")),
  "a Via without branch": changing("Via", (value) => value.replace(/;branch=[^;]+/, "")),
  "an empty parameter in Via": changing("Via", (value) => `${value};;`),
  "a port above 65535": changing("To", (value) => value.replace(/@[^;>]+/, "@192.0.2.1:99999")),
  "blanks in the Request-URI": starting((line) => (line.startsWith("SIP/") ? line : line.replace(/ (sips?:)/, " $1 "))),
  "a Request-URI in brackets": starting((line) => (line.startsWith("SIP/") ? line : line.replace(/ (sips?:\S+)/, " <$1>"))),
  "two blanks in the start line": starting((line) => line.replace(" ", "  ")),
  "SIP/7.0": starting((line) => line.replace("SIP/2.0", "SIP/7.0")),
  "a status of 4294967301": starting((line) => line.replace(/^(SIP\/2\.0 )\d+/, "$14294967301")),
  "a line without a colon": (parts) => ({ ...parts, startLine: `${parts.startLine}\r\nnonsense` }),
}
