import { badArgument } from "../../errors.ts"
import { isToken, isTokenCode, skipLws, trimLws } from "./characters.ts"
import { quote, quotedEnd, unquote } from "./params.ts"
import { badRequest } from "./syntax-error.ts"

const COMMA = 0x2c
const EQUALS = 0x3d
const QUOTE = 0x22

/** Parameters of one challenge or of credentials; more are a fault. */
const maxAuthParams = 32

/** What stands in quotes (RFC 7616 §3.3, §3.4, §3.5); other parameters are tokens. */
const quotedParams = new Set([
  "realm",
  "domain",
  "nonce",
  "opaque",
  "username",
  "uri",
  "response",
  "cnonce",
  "rspauth",
  "nextnonce",
])

/**
 * A value of WWW-Authenticate, Proxy-Authenticate, Authorization or
 * Proxy-Authorization: `Digest realm="…", nonce="…"`.
 */
export interface AuthValue {
  /** As written; compare without case. */
  readonly scheme: string
  /** By lower-case name; values without quotes. Empty for a scheme that has no parameters of this form. */
  readonly params: ReadonlyMap<string, string>
}

/** Parses one challenge or credentials. Throws {@link SipSyntaxError}; a parameter that is given twice is a fault. */
export function parseAuth(text: string): AuthValue {
  const start = skipLws(text, 0, text.length)
  let at = start
  while (at < text.length && isTokenCode(text.charCodeAt(at))) at++
  const scheme = text.slice(start, at)
  const body = trimLws(text, at)
  if (scheme === "" || (body !== "" && skipLws(text, at, text.length) === at)) throw badRequest("Malformed authorization")
  if (scheme.toLowerCase() !== "digest" && !body.includes("=")) return { scheme, params: new Map() }
  return { scheme, params: parseAuthParams(body) }
}

/** Parses `name=value, name="value"`, as in Authentication-Info as well. Throws {@link SipSyntaxError}. */
export function parseAuthParams(text: string): Map<string, string> {
  const params = new Map<string, string>()
  const end = text.length
  let at = skipLws(text, 0, end)
  while (at < end) {
    const nameStart = at
    while (at < end && isTokenCode(text.charCodeAt(at))) at++
    const name = text.slice(nameStart, at).toLowerCase()
    at = skipLws(text, at, end)
    if (name === "" || text.charCodeAt(at) !== EQUALS) throw badRequest("Malformed authorization parameter")
    const valueStart = skipLws(text, at + 1, end)
    at = authValueEnd(text, valueStart)
    if (params.has(name)) throw badRequest(`Authorization parameter ${name} given twice`)
    if (params.size === maxAuthParams) throw badRequest("Too many authorization parameters")
    params.set(name, unquote(trimLws(text, valueStart, at)))
    at = skipLws(text, at, end)
    if (at === end) break
    if (text.charCodeAt(at) !== COMMA) throw badRequest("Malformed authorization parameter")
    at = skipLws(text, at + 1, end)
  }
  return params
}

function authValueEnd(text: string, at: number): number {
  if (text.charCodeAt(at) === QUOTE) return quotedEnd(text, at, "authorization")
  while (at < text.length && text.charCodeAt(at) !== COMMA) {
    if (text.charCodeAt(at) === QUOTE) throw badRequest("Misplaced quote in authorization")
    at++
  }
  return at
}

/**
 * The value as header text. Parameters that are undefined are left out;
 * quotes stand where RFC 7616 wants them, and around `qop` in a challenge.
 */
export function formatAuth(
  scheme: string,
  params: Iterable<readonly [name: string, value: string | undefined]>,
  role: "challenge" | "credentials",
): string {
  const parts: string[] = []
  for (const [name, value] of params) {
    if (value === undefined) continue
    const isQuoted = quotedParams.has(name.toLowerCase()) || (name === "qop" && role === "challenge")
    if (!isQuoted && !isToken(value)) badArgument(name, "a token", value)
    parts.push(`${name}=${isQuoted ? quote(value) : value}`)
  }
  return `${scheme} ${parts.join(", ")}`
}
