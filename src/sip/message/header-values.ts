import { fromBinaryText, isDigits, isToken, toBinaryText } from "./characters.ts"
import type { Headers } from "./headers.ts"
import { Params, quote } from "./params.ts"
import { badRequest } from "./syntax-error.ts"

/** The largest delta-seconds: 2^32 - 1 (RFC 3261 §20.19). */
export const maxDeltaSeconds = 2 ** 32 - 1

/** Delta-seconds; undefined for anything that is not 0 to 2^32 - 1. */
export function parseDeltaSeconds(text: string): number | undefined {
  const seconds = isDigits(text) ? Number(text) : Infinity
  return seconds <= maxDeltaSeconds ? seconds : undefined
}

/** A header of delta-seconds such as Expires and Min-Expires; undefined where it is absent or malformed. */
export function secondsOf(headers: Headers, name: string): number | undefined {
  const value = headers.get(name)
  return value === undefined ? undefined : parseDeltaSeconds(value)
}

/** The seconds of Retry-After, whose comment and parameters are for people; undefined where it is absent or malformed. */
export function retryAfterOf(headers: Headers): number | undefined {
  const value = headers.get("Retry-After")
  if (value === undefined) return undefined
  let end = 0
  while (end < value.length && !" \t;(".includes(value.charAt(end))) end++
  return parseDeltaSeconds(value.slice(0, end))
}

/** Max-Breadth (RFC 5393 §5.3.3); undefined for none. Throws {@link SipSyntaxError} where it is malformed. */
export function maxBreadthOf(headers: Headers): number | undefined {
  const value = headers.get("Max-Breadth")
  if (value === undefined) return undefined
  const breadth = parseDeltaSeconds(value)
  if (breadth === undefined) throw badRequest("Malformed Max-Breadth")
  return breadth
}

/** The option tags of Require, Proxy-Require, Supported or Unsupported, in lower case and without doubles. */
export function optionTags(headers: Headers, name: string): Set<string> {
  return new Set(headers.getAll(name).map((tag) => tag.toLowerCase()))
}

/** One value of the Reason header (RFC 3326). */
export interface Reason {
  /** `SIP`, `Q.850`, or another registered protocol. */
  readonly protocol: string
  readonly cause?: number | undefined
  /** As a person reads it. */
  readonly text?: string | undefined
}

/** The Reason values; malformed ones are left out, since nothing depends on them. */
export function reasonsOf(headers: Headers): Reason[] {
  return headers.getAll("Reason").flatMap((value) => {
    try {
      return [parseReason(value)]
    } catch {
      return []
    }
  })
}

function parseReason(value: string): Reason {
  const semicolon = value.indexOf(";")
  const protocol = (semicolon === -1 ? value : value.slice(0, semicolon)).trim()
  if (!isToken(protocol)) throw badRequest("Malformed Reason")
  const params = semicolon === -1 ? Params.none : Params.parse(value, semicolon, "Reason")
  const cause = params.get("cause")
  const text = params.getUnquoted("text")
  return {
    protocol,
    cause: cause !== undefined && isDigits(cause) ? Number(cause) : undefined,
    text: text === undefined ? undefined : fromBinaryText(text),
  }
}

/** The value as header text: `SIP;cause=200;text="Call completed elsewhere"`. */
export function formatReason(reason: Reason): string {
  const cause = reason.cause === undefined ? "" : `;cause=${reason.cause}`
  const text = reason.text === undefined ? "" : `;text=${quote(toBinaryText(reason.text))}`
  return `${reason.protocol}${cause}${text}`
}
