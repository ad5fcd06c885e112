import { fromBinaryText, isLineSafe, isLwsCode, isTokenCode, skipLws, toBinaryText, trimLws } from "./characters.ts"
import { Params, quote, quotedEnd, unquote } from "./params.ts"
import { badRequest } from "./syntax-error.ts"
import { SipUri } from "./uri.ts"
import { badArgument } from "../../errors.ts"

const QUOTE = 0x22

/**
 * A value of From, To, Contact, Route and their kin (RFC 3261 §20.10):
 * display name, URI, header parameters. Immutable.
 */
export class NameAddress {
  /** As a person reads it: unquoted, decoded from UTF-8. */
  readonly displayName: string | undefined
  /** As written, without angle brackets. */
  readonly uri: string
  readonly params: Params
  #parsedUri: SipUri | undefined

  constructor(uri: string | SipUri, params: Params = Params.none, displayName?: string) {
    this.uri = typeof uri === "string" ? uri : uri.toString()
    this.params = params
    this.displayName = displayName
    if (typeof uri !== "string") this.#parsedUri = uri
  }

  /** Throws {@link SipSyntaxError} where the URI is malformed. */
  get parsedUri(): SipUri {
    return (this.#parsedUri ??= SipUri.parse(this.uri))
  }

  /** The tag parameter of From and To. */
  get tag(): string | undefined {
    return this.params.get("tag")
  }

  /** A copy with one header parameter set. */
  withParam(name: string, value?: string): NameAddress {
    return new NameAddress(this.#parsedUri ?? this.uri, this.params.with(name, value), this.displayName)
  }

  toString(): string {
    return formatNameAddress(this)
  }
}

/**
 * Parses `"Name" <uri>;params`, `<uri>;params` or `uri;params`. In the last
 * form all parameters are the header's, and the URI may hold no `?` and no
 * comma (§20). `where` names the header in a fault. Throws {@link SipSyntaxError}.
 */
export function parseNameAddress(text: string, where = "address"): NameAddress {
  const start = skipLws(text, 0, text.length)
  let open: number
  let displayName: string | undefined
  if (text.charCodeAt(start) === QUOTE) {
    const end = quotedEnd(text, start, where)
    displayName = fromBinaryText(unquote(text.slice(start, end)))
    open = skipLws(text, end, text.length)
    if (text.charAt(open) !== "<") throw badRequest(`Expected < in ${where}`)
  } else {
    open = text.indexOf("<", start)
    if (open === -1) return parseBare(text, start, where)
    displayName = parseTokens(text, start, open, where)
  }
  const close = text.indexOf(">", open)
  if (close === -1) throw badRequest(`Missing > in ${where}`)
  const uri = text.slice(open + 1, close)
  checkUri(uri, where)
  return new NameAddress(uri, Params.parse(text, close + 1, where), displayName)
}

function parseBare(text: string, start: number, where: string): NameAddress {
  const semicolon = text.indexOf(";", start)
  const end = semicolon === -1 ? text.length : semicolon
  const uri = trimLws(text, start, end)
  checkUri(uri, where)
  if (uri.includes("?") || uri.includes(",")) throw badRequest(`URI without <> in ${where}`)
  return new NameAddress(uri, Params.parse(text, end, where))
}

/** What every URI obeys; the rest waits until somebody asks for `parsedUri`. */
function checkUri(uri: string, where: string): void {
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i)
    if (code <= 0x20 || code === QUOTE || code === 0x3c || code === 0x3e || code >= 0x7f) throw badRequest(`Malformed URI in ${where}`)
  }
  if (uri.indexOf(":") < 1) throw badRequest(`Malformed URI in ${where}`)
}

/** An unquoted display name: tokens and white space; raw UTF-8 is let pass, many phones write it. */
function parseTokens(text: string, start: number, end: number, where: string): string | undefined {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (!isTokenCode(code) && !isLwsCode(code) && code < 0x80) throw badRequest(`Unquoted display name in ${where}`)
  }
  const name = trimLws(text, start, end)
  return name === "" ? undefined : fromBinaryText(name)
}

/** The value as header text; the URI always between angle brackets. */
export function formatNameAddress(address: Pick<NameAddress, "displayName" | "uri" | "params">): string {
  const { displayName, uri, params } = address
  if (!isLineSafe(uri) || /[<> "]/.test(uri)) badArgument("uri", "a URI without spaces, quotes and brackets", uri)
  if (displayName === undefined) return `<${uri}>${params.raw}`
  return `${quote(toBinaryText(displayName))} <${uri}>${params.raw}`
}
