import fc from "fast-check"

/** fast-check arbitraries of SIP's grammar: well-formed parts, and messages made of them. */

const alphanumeric = [..."abcxyzABCXYZ0189"]
const tokenCharacter = fc.constantFrom(...alphanumeric, ..."-.!%*_+`'~")
const wordCharacter = fc.constantFrom(...alphanumeric, ...`-.!%*_+\`'~()<>:\\"/[]?{}`)
const userCharacter = fc.constantFrom(...alphanumeric, ..."-_.!~*'()&=+$,;?/", "%40", "%00", "%0d", "%C3", "%3A")
const paramCharacter = fc.constantFrom(...alphanumeric, ..."[]/:&+$-_.!~*'()", "%20", "%41")

function text(character: fc.Arbitrary<string>, minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.array(character, { minLength, maxLength }).map((parts) => parts.join(""))
}

export const token = text(tokenCharacter, 1, 12)
export const tag = token
const word = text(wordCharacter, 1, 16)
/** White space that may stand between tokens, folds included. */
const lws = fc.constantFrom("", " ", "\t", "  ", "\r\n ", " \r\n\t ")
const space = fc.constantFrom(" ", "\t", " \r\n ")

export const host = fc.oneof(
  fc.constantFrom("example.com", "EXAMPLE.org", "a.b-c.example", "localhost", "[2001:db8::1]", "[::FFFF:192.0.2.1]"),
  fc.ipV4(),
)
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
const hostPort = fc.tuple(host, port).map(([name, number]) => (number === undefined ? name : `${name}:${number}`))

const uriParam = fc
  .tuple(text(paramCharacter, 1, 8), fc.option(text(paramCharacter, 1, 8), { nil: undefined }))
  .map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`))

/** A SIP or SIPS URI without headers. */
export const sipUri = fc
  .tuple(
    fc.constantFrom("sip:", "sips:", "SIP:"),
    fc.option(fc.tuple(text(userCharacter, 1, 10), fc.constantFrom("", ":", ":secret")), { nil: undefined }),
    hostPort,
    fc.array(uriParam, { maxLength: 3 }),
  )
  .map(([scheme, user, at, params]) => `${scheme}${user === undefined ? "" : `${user.join("")}@`}${at}${params.join("")}`)

/** A quoted string as written; any latin1 inside but line ends. */
export const quotedString = fc
  .array(fc.integer({ min: 0, max: 255 }).filter((code) => code !== 10 && code !== 13), { maxLength: 12 })
  .map((codes) => `"${codes.map((code) => quotedCharacter(String.fromCharCode(code))).join("")}"`)

function quotedCharacter(character: string): string {
  return '"\\\0'.includes(character) ? `\\${character}` : character
}

const headerParam = fc
  .tuple(lws, token, lws, fc.option(fc.tuple(lws, fc.oneof(token, quotedString, host)), { nil: undefined }))
  .map(([before, name, after, value]) => `;${before}${name}${value === undefined ? "" : `${after}=${value.join("")}`}`)

const headerParams = fc.array(headerParam, { maxLength: 3 }).map((params) => params.join(""))

export const nameAddress = fc
  .tuple(fc.constantFrom("", "Alice ", "A. B. C  "), fc.option(quotedString, { nil: undefined }), lws, sipUri, lws, headerParams)
  .map(([tokens, quoted, gap, uri, after, params]) => `${quoted ?? tokens}${gap}<${uri}>${params === "" ? "" : after}${params}`)

/** One Via value. */
export const viaValue = fc
  .tuple(lws, lws, fc.constantFrom("UDP", "TCP", "tls", "WS", "NEW-ONE"), space, hostPort, headerParams, token)
  .map(([a, b, protocol, gap, at, params, branch]) => {
    return `SIP${a}/${b}2.0${b}/${a}${protocol}${gap}${at};branch=z9hG4bK${branch}${params}`
  })

const method = fc.constantFrom("REGISTER", "INVITE", "BYE", "CANCEL", "OPTIONS", "ODD-1!%")

/** What may follow a header name: the colon with its white space. */
const colon = fc.constantFrom(":", ": ", " : ", "\t:\t", ":\r\n ")

function header(names: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...names), colon, value).map((parts) => parts.join(""))
}

/** Any bytes that may stand in a value, no white space at its ends. */
const opaqueValue = text(fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)), 0, 30)

const optionalHeader = fc.oneof(
  header(["Contact", "m", "CONTACT"], fc.array(nameAddress, { minLength: 1, maxLength: 3 }).map((values) => values.join(" , "))),
  header(["Route", "Record-Route", "route", "Path"], nameAddress),
  header(["Via", "v"], fc.array(viaValue, { minLength: 1, maxLength: 3 }).map((values) => values.join(","))),
  header(["Supported", "k", "Require"], fc.array(token, { minLength: 1, maxLength: 3 }).map((tags) => tags.join(", "))),
  header(["X-Unknown", "Subject", "User-Agent"], opaqueValue),
)

interface MessageParts {
  readonly startLine: string
  /** Header lines without their CRLF, Content-Length last. */
  readonly lines: readonly string[]
  readonly body: Uint8Array
}

function fields(cseqMethod: fc.Arbitrary<string>): fc.Arbitrary<{ cseq: string; lines: string[] }> {
  return cseqMethod.chain((name) =>
    fc
      .tuple(
        header(["Via", "v", "VIA"], viaValue),
        header(["From", "f", "fRoM"], nameAddress.map((value) => `${value};tag=1`)),
        header(["To", "t"], nameAddress),
        header(["Call-ID", "i"], word),
        header(["CSeq", "cseq"], fc.nat(2 ** 31 - 1).map((number) => `${number} ${name}`)),
        header(["Max-Forwards"], fc.integer({ min: 0, max: 255 }).map(String)),
      )
      .chain((mandatory) => fc.tuple(fc.shuffledSubarray(mandatory, { minLength: 6 }), fc.array(optionalHeader, { maxLength: 4 })))
      .map(([mandatory, optional]) => ({ cseq: name, lines: [...mandatory, ...optional] })),
  )
}

const body = fc.uint8Array({ maxLength: 40 })

const request: fc.Arbitrary<MessageParts> = fc
  .tuple(fields(method), sipUri, body, fc.constantFrom("Content-Length", "l", "CONTENT-LENGTH"))
  .map(([{ cseq, lines }, uri, content, name]) => ({
    startLine: `${cseq} ${uri} SIP/2.0`,
    lines: [...lines, `${name}: ${content.length}`],
    body: content,
  }))

const response: fc.Arbitrary<MessageParts> = fc
  .tuple(fields(method), fc.integer({ min: 100, max: 699 }), opaqueValue, body)
  .map(([{ lines }, status, reason, content]) => ({
    startLine: `SIP/2.0 ${status} ${reason}`,
    lines: [...lines, `Content-Length: ${content.length}`],
    body: content,
  }))

function bytesOf(parts: MessageParts): Buffer {
  const head = `${[parts.startLine, ...parts.lines].join("\r\n")}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, "latin1"), parts.body])
}

/** The bytes of a well-formed request: every message that validates. */
export const requestBytes: fc.Arbitrary<Buffer> = request.map(bytesOf)

/** The bytes of a well-formed request or response. */
export const messageBytes: fc.Arbitrary<Buffer> = fc.oneof(request, response).map(bytesOf)
