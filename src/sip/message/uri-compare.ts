import { isUserCode } from "./characters.ts"
import { badRequest } from "./syntax-error.ts"
import { escapeUri, unescapeUri } from "./uri.ts"
import type { SipUri } from "./uri.ts"

/** RFC 2396 §2.2: an escape of one of these means something else than the character itself. */
const reserved = new Set(";/?:@&=+$,%")

/** §19.1.4: a URI that has one of these never matches one that has not. */
const decisiveParams: readonly string[] = ["user", "ttl", "method", "maddr", "transport"]

/**
 * True where two URIs are equivalent (RFC 3261 §19.1.4). Not transitive:
 * parameters that only one of the two has are ignored, five of them excepted.
 * URIs of other schemes must be equal but for the case of the scheme.
 */
export function sameUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme) return false
  if (!a.isSip) return afterScheme(a) === afterScheme(b)
  if (a.host !== b.host || a.port !== b.port) return false
  if (!sameOptional(a.user, b.user) || !sameOptional(a.password, b.password)) return false
  return sameParams(a, b) && sameHeaders(a.headers, b.headers)
}

function afterScheme(uri: SipUri): string {
  const text = uri.toString()
  return text.slice(text.indexOf(":"))
}

function sameOptional(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && normal(a) === normal(b)
}

function sameParams(a: SipUri, b: SipUri): boolean {
  if (a.params.raw === b.params.raw) return true
  const left = paramMap(a)
  const right = paramMap(b)
  for (const name of decisiveParams) if (left.has(name) !== right.has(name)) return false
  for (const [name, value] of left) {
    const other = right.get(name)
    if (other !== undefined && other !== value) return false
  }
  return true
}

function paramMap(uri: SipUri): Map<string, string> {
  const map = new Map<string, string>()
  for (const [name, value] of uri.params) map.set(normal(name).toLowerCase(), normal(value ?? "").toLowerCase())
  return map
}

/** Names without case, values with it: more careful than each header's own rule (§20), never wrongly equal. */
function sameHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const left = headerList(a)
  const right = headerList(b)
  return left.length === right.length && left.every((header, index) => header === right[index])
}

function headerList(text: string): string[] {
  return text.split("&").map(normalHeader).sort()
}

function normalHeader(text: string): string {
  const equals = text.indexOf("=")
  const nameEnd = equals === -1 ? text.length : equals
  return normal(text.slice(0, nameEnd)).toLowerCase() + normal(text.slice(nameEnd))
}

/** Escapes undone where they stand for a character that is not reserved; the others in upper case. */
function normal(text: string): string {
  if (!text.includes("%")) return text
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = unescapeUri(escape)
    return reserved.has(character) ? escape.toUpperCase() : character
  })
}

/**
 * The key of a registration (RFC 3261 §10.3 step 5): `sip:user@host`, host in
 * lower case, without password, port, parameters and headers; SIPS shares the
 * key of SIP. The user's escapes are undone, and then made again for just the
 * bytes that may not stand in a user part: one user has one key, and the key
 * is a URI itself. Throws {@link SipSyntaxError} 400 for another scheme.
 */
export function addressOfRecord(uri: SipUri): string {
  if (!uri.isSip) throw badRequest("Address-of-record is not a SIP or SIPS URI")
  const user = uri.decodedUser
  return user === undefined ? `sip:${uri.host}` : `sip:${escapeUri(user, isUserCode)}@${uri.host}`
}
