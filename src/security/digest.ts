/**
 * Digest access authentication, the arithmetic (RFC 7616, RFC 8760): header
 * values to parameters and back, and the response hash. No state, no clock.
 *
 * Header text holds one character per byte, as everywhere in SIP messages.
 */
import { hash } from "node:crypto"

/** Algorithms, strongest first (RFC 8760 §2.1). */
export const digestAlgorithms = ["SHA-512-256", "SHA-256", "MD5"] as const

/** One of {@link digestAlgorithms}. */
export type DigestAlgorithm = (typeof digestAlgorithms)[number]

const hashNames = { "SHA-512-256": "sha512-256", "SHA-256": "sha256", MD5: "md5" } as const

/** Length of the algorithm's hash in lower-case hexadecimal digits. */
export const hexDigits = { "SHA-512-256": 64, "SHA-256": 64, MD5: 32 } as const satisfies Record<DigestAlgorithm, number>

/** A challenge or credentials: parameter names in lower case, values unquoted. */
export type DigestParameters = ReadonlyMap<string, string>

/** What the response hash is made of; without `qop` it is that of RFC 2069. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm
  /** H(username:realm:password), see {@link hashA1}. */
  readonly ha1: string
  readonly method: string
  /** The `uri` parameter, exactly as it is sent. */
  readonly uri: string
  readonly nonce: string
  readonly qop?: { readonly nc: string; readonly cnonce: string } | undefined
}

/** H(username:realm:password), RFC 7616 §3.4.2: as good as the password within the realm. The arguments are ordinary text; their UTF-8 bytes are hashed. */
export function hashA1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(hashNames[algorithm], `${username}:${realm}:${password}`, "hex")
}

/** The `response` parameter for qop=auth or none (RFC 7616 §3.4.1). */
export function digestResponse({ algorithm, ha1, method, uri, nonce, qop }: DigestInput): string {
  const ha2 = hashBytes(algorithm, `${method}:${uri}`)
  return hashBytes(algorithm, qop ? `${ha1}:${nonce}:${qop.nc}:${qop.cnonce}:auth:${ha2}` : `${ha1}:${nonce}:${ha2}`)
}

function hashBytes(algorithm: DigestAlgorithm, bytesAsText: string): string {
  return hash(hashNames[algorithm], Buffer.from(bytesAsText, "latin1"), "hex")
}

/** The algorithm of a challenge or credentials; none named means MD5 (RFC 7616 §3.3). */
export function algorithmOf(parameters: DigestParameters): DigestAlgorithm | undefined {
  const name = (parameters.get("algorithm") ?? "MD5").toUpperCase()
  return digestAlgorithms.find((algorithm) => algorithm === name)
}

/** Longer header values than this are not looked at. */
const maxHeaderLength = 4096

/**
 * Reads `Digest name=value, name="value", …` in one pass. Undefined for
 * another scheme, a syntax error, a parameter that appears twice, or more
 * than 4,096 characters.
 */
export function parseDigest(text: string): DigestParameters | undefined {
  if (text.length > maxHeaderLength || text.slice(0, 6).toLowerCase() !== "digest" || !isSpace(text.charCodeAt(6))) return undefined
  const parameters = new Map<string, string>()
  let at = skipSpace(text, 7)
  for (;;) {
    const nameEnd = tokenEnd(text, at)
    const name = text.slice(at, nameEnd).toLowerCase()
    at = skipSpace(text, nameEnd)
    if (name === "" || text[at] !== "=" || parameters.has(name)) return undefined
    at = skipSpace(text, at + 1)
    const value = text[at] === '"' ? readQuoted(text, at) : readToken(text, at)
    if (value === undefined) return undefined
    parameters.set(name, value.text)
    at = skipSpace(text, value.end)
    if (at >= text.length) return parameters
    if (text[at] !== ",") return undefined
    at = skipSpace(text, at + 1)
  }
}

/** Writes a parameter value as a quoted string. */
export function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`
}

interface Piece {
  readonly text: string
  readonly end: number
}

function readQuoted(text: string, open: number): Piece | undefined {
  let value = ""
  let from = open + 1
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') return { text: value + text.slice(from, at), end: at + 1 }
    if (text[at] === "\\") {
      value += text.slice(from, at)
      from = ++at
    }
  }
  return undefined
}

function readToken(text: string, at: number): Piece | undefined {
  const end = tokenEnd(text, at)
  return end === at ? undefined : { text: text.slice(at, end), end }
}

/** Anything but separators: old phones leave quotes out where they should not. */
function tokenEnd(text: string, at: number): number {
  while (at < text.length && !isSpace(text.charCodeAt(at)) && text[at] !== "," && text[at] !== "=" && text[at] !== '"') at++
  return at
}

function skipSpace(text: string, at: number): number {
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a
}
