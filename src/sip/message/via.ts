import { isToken, isTokenCode, skipLws, trimLws } from "./characters.ts"
import { type ParamEntries, Params } from "./params.ts"
import { badRequest } from "./syntax-error.ts"
import { parseHostPort } from "./uri.ts"

const SLASH = 0x2f

/** A value of the Via header (RFC 3261 §20.42). Immutable. */
export class Via {
  /** The transport token in upper case: `UDP`, `TCP`, `TLS`, `WS`… */
  readonly protocol: string
  /** In lower case; IPv6 addresses keep their brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly params: Params

  constructor(protocol: string, host: string, port: number | undefined, params: Params = Params.none) {
    this.protocol = protocol
    this.host = host
    this.port = port
    this.params = params
  }

  /** `host` or `host:port`, as sent. */
  get sentBy(): string {
    return this.port === undefined ? this.host : `${this.host}:${this.port}`
  }

  get branch(): string | undefined {
    return this.params.get("branch")
  }

  /** The address that a server saw (§18.2.1). */
  get received(): string | undefined {
    return this.params.get("received")
  }

  /** The port that a server saw; 0 for `rport` without a value, undefined for no `rport` (RFC 3581). */
  get rport(): number | undefined {
    const value = this.params.get("rport")
    if (value === undefined) return undefined
    const port = Number(value)
    return Number.isInteger(port) && port <= 65_535 ? port : undefined
  }

  /** A copy with one parameter set. */
  withParam(name: string, value?: string): Via {
    return new Via(this.protocol, this.host, this.port, this.params.with(name, value))
  }

  /** A copy with several parameters set. */
  withParams(entries: ParamEntries): Via {
    return new Via(this.protocol, this.host, this.port, this.params.withAll(entries))
  }

  toString(): string {
    return formatVia(this)
  }
}

/**
 * Parses one Via value. White space may stand around the slashes and
 * parameters. The version is not looked at: the request line's decides. Throws {@link SipSyntaxError}.
 */
export function parseVia(text: string): Via {
  const end = text.length
  const name = nextToken(text, 0)
  const version = nextToken(text, afterSlash(text, name.end))
  const protocol = nextToken(text, afterSlash(text, version.end))
  if (name.token.toUpperCase() !== "SIP") throw badRequest("Via of another protocol")
  const at = skipLws(text, protocol.end, end)
  if (at === protocol.end) throw badRequest("Malformed Via")
  const semicolon = text.indexOf(";", at)
  const sentByEnd = semicolon === -1 ? end : semicolon
  const { host, port } = parseHostPort(trimLws(text, at, sentByEnd), "Via")
  const params = Params.parse(text, sentByEnd, "Via")
  return new Via(upperProtocol(protocol.token), host, port, params)
}

function nextToken(text: string, at: number): { token: string; end: number } {
  let end = at
  while (end < text.length && isTokenCode(text.charCodeAt(end))) end++
  if (end === at) throw badRequest("Malformed Via")
  return { token: text.slice(at, end), end }
}

function afterSlash(text: string, at: number): number {
  const slash = skipLws(text, at, text.length)
  if (text.charCodeAt(slash) !== SLASH) throw badRequest("Malformed Via")
  return skipLws(text, slash + 1, text.length)
}

/** The usual tokens without a new string. */
function upperProtocol(token: string): string {
  return token === "UDP" || token === "TCP" || token === "TLS" ? token : token.toUpperCase()
}

/** The value as header text. */
export function formatVia(via: Pick<Via, "protocol" | "sentBy" | "params">): string {
  if (!isToken(via.protocol)) throw badRequest("Malformed Via")
  return `SIP/2.0/${via.protocol} ${via.sentBy}${via.params.raw}`
}
