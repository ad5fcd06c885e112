import { badArgument } from "../../errors.ts"
import { isDigits, isHexCode, isHostName, isUriText, trimLws } from "./characters.ts"
import { Params } from "./params.ts"
import { badRequest } from "./syntax-error.ts"

const PERCENT = 0x25

/** What a SIP URI is made of. */
export interface UriParts {
  readonly scheme: string
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly host: string
  readonly port?: number | undefined
  readonly params?: Params | undefined
  readonly headers?: string | undefined
}

/**
 * A SIP or SIPS URI (RFC 3261 §19.1), or the outside of any other URI.
 *
 * Immutable. Parts are as written: nothing is unescaped, only scheme and host
 * are in lower case. For another scheme (`tel:`, `urn:`…) `host` is empty and
 * `toString` gives the URI back as it was.
 */
export class SipUri {
  readonly scheme: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** IPv6 addresses keep their brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly params: Params
  /** What stands after `?`, as written. */
  readonly headers: string | undefined
  readonly #raw: string | undefined

  constructor(parts: UriParts, raw?: string) {
    this.scheme = parts.scheme
    this.user = parts.user
    this.password = parts.password
    this.host = parts.host
    this.port = parts.port
    this.params = parts.params ?? Params.none
    this.headers = parts.headers
    this.#raw = raw
  }

  /** Parses a URI without angle brackets. Throws {@link SipSyntaxError} with status 400. */
  static parse(text: string): SipUri {
    if (!isUriText(text)) throw badRequest("Malformed URI: character not allowed")
    const colon = text.indexOf(":")
    if (colon < 1) throw badRequest("Malformed URI: no scheme")
    const scheme = text.slice(0, colon).toLowerCase()
    if (scheme !== "sip" && scheme !== "sips") {
      if (!isScheme(scheme)) throw badRequest("Malformed URI: bad scheme")
      return new SipUri({ scheme, host: "" }, text)
    }
    if (!hasWholeEscapes(text)) throw badRequest("Malformed URI: bad escape")
    return parseSip(text, scheme, colon + 1)
  }

  /** Parses, or gives undefined where the text is not a URI. */
  static tryParse(text: string): SipUri | undefined {
    try {
      return SipUri.parse(text)
    } catch {
      return undefined
    }
  }

  /** `sip:` or `sips:`. */
  get isSip(): boolean {
    return this.scheme === "sip" || this.scheme === "sips"
  }

  get isSips(): boolean {
    return this.scheme === "sips"
  }

  /** The user with its escapes undone: latin1 text that may hold any byte, NUL as well. */
  get decodedUser(): string | undefined {
    return this.user === undefined ? undefined : unescapeUri(this.user)
  }

  /** `host` or `host:port`. */
  get hostPort(): string {
    return this.port === undefined ? this.host : `${this.host}:${this.port}`
  }

  /** A copy with some parts replaced; a part given as undefined is taken away. SIP and SIPS only. */
  with(parts: Partial<UriParts>): SipUri {
    if (!this.isSip) badArgument("uri", "a SIP or SIPS URI", this.toString())
    const { scheme, user, password, host, port, params, headers } = this
    return SipUri.parse(new SipUri({ scheme, user, password, host, port, params, headers, ...parts }).toString())
  }

  /** The URI as it was parsed, else its parts put together. */
  toString(): string {
    return this.#raw ?? this.#format()
  }

  #format(): string {
    let text = `${this.scheme}:`
    if (this.user !== undefined) {
      text += this.user
      if (this.password !== undefined) text += `:${this.password}`
      text += "@"
    }
    text += this.hostPort + this.params.raw
    return this.headers === undefined ? text : `${text}?${this.headers}`
  }
}

function parseSip(text: string, scheme: string, start: number): SipUri {
  const at = text.indexOf("@", start)
  let user: string | undefined
  let password: string | undefined
  let hostStart = start
  if (at !== -1) {
    if (at === start) throw badRequest("Malformed URI: empty user")
    if (text.includes("@", at + 1)) throw badRequest("Malformed URI: second @")
    user = text.slice(start, at)
    const colon = user.indexOf(":")
    if (colon !== -1) {
      password = user.slice(colon + 1)
      user = user.slice(0, colon)
      if (user === "") throw badRequest("Malformed URI: empty user")
    }
    hostStart = at + 1
  }
  const question = text.indexOf("?", hostStart)
  const end = question === -1 ? text.length : question
  const semicolon = text.indexOf(";", hostStart)
  const hostEnd = semicolon === -1 || semicolon > end ? end : semicolon
  const { host, port } = parseHostPort(text.slice(hostStart, hostEnd), "URI")
  const params = hostEnd === end ? Params.none : Params.parse(text.slice(hostEnd, end), 0, "URI")
  const headers = question === -1 ? undefined : text.slice(question + 1)
  return new SipUri({ scheme, user, password, host, port, params, headers }, text)
}

/**
 * Parses `host`, `host:port` or `[ipv6]:port`; white space may stand around
 * the colon. `where` names the header in a fault. Throws {@link SipSyntaxError}.
 */
export function parseHostPort(text: string, where: string): { host: string; port: number | undefined } {
  const bracket = text.startsWith("[") ? text.indexOf("]") : -1
  const colon = text.indexOf(":", bracket + 1)
  const host = (colon === -1 ? text : trimLws(text, 0, colon)).toLowerCase()
  if (bracket === -1 ? !isHostName(host) : !isIPv6Reference(host)) throw badRequest(`Malformed host in ${where}`)
  if (colon === -1) return { host, port: undefined }
  const digits = trimLws(text, colon + 1)
  const port = Number(digits)
  if (digits.length > 5 || !isDigits(digits) || port > 65_535) throw badRequest(`Malformed port in ${where}`)
  return { host, port }
}

/** By its characters and length; whether the address is one, the resolver finds out. */
function isIPv6Reference(host: string): boolean {
  if (!host.endsWith("]") || host.length < 4 || host.length > 47) return false
  for (let i = 1; i < host.length - 1; i++) {
    const code = host.charCodeAt(i)
    if (!isHexCode(code) && code !== 0x3a && code !== 0x2e) return false
  }
  return host.includes(":")
}

function isScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*$/.test(text)
}

function hasWholeEscapes(text: string): boolean {
  for (let i = text.indexOf("%"); i !== -1; i = text.indexOf("%", i + 1)) {
    if (!isHexCode(text.charCodeAt(i + 1)) || !isHexCode(text.charCodeAt(i + 2))) return false
  }
  return true
}

/** Undoes `%HH` escapes, once (RFC 3986 §2.4). What is no whole escape stays. */
export function unescapeUri(text: string): string {
  if (!text.includes("%")) return text
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** The text with every character escaped that `isAllowed` refuses, and `%` too. */
export function escapeUri(text: string, isAllowed: (code: number) => boolean): string {
  let escaped = ""
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code !== PERCENT && isAllowed(code)) escaped += text.charAt(i)
    else escaped += `%${(code & 0xff).toString(16).toUpperCase().padStart(2, "0")}`
  }
  return escaped
}
