import { isDigits } from "./characters.ts"
import { parseDeltaSeconds } from "./header-values.ts"
import type { Headers } from "./headers.ts"
import { parseNameAddress } from "./name-address.ts"
import type { NameAddress } from "./name-address.ts"
import { badRequest } from "./syntax-error.ts"

/**
 * The Contact values of a message, first to last; `"*"` where the only value
 * is the wildcard of an unregistration. Throws {@link SipSyntaxError} for a
 * malformed value and for `*` beside others (RFC 3261 §10.3 step 6).
 */
export function parseContacts(headers: Headers): "*" | NameAddress[] {
  const values = headers.getAll("Contact")
  if (values.includes("*")) {
    if (values.length > 1) throw badRequest("Contact * beside other contacts")
    return "*"
  }
  return values.map((value) => parseNameAddress(value, "Contact"))
}

/** The `expires` parameter of a contact in seconds; undefined where it is absent or malformed (§10.2.1.1). */
export function contactExpires(contact: NameAddress): number | undefined {
  const value = contact.params.getUnquoted("expires")
  return value === undefined ? undefined : parseDeltaSeconds(value)
}

/** The `q` parameter of a contact in thousandths; undefined where it is absent. Throws {@link SipSyntaxError} where it is malformed. */
export function contactQ(contact: NameAddress): number | undefined {
  const value = contact.params.get("q")
  if (value === undefined) return undefined
  const thousandths = parseQ(value)
  if (thousandths === undefined) throw badRequest("Malformed q in Contact")
  return thousandths
}

/** A qvalue (§25.1) in thousandths, 0 to 1000, so that nobody rounds; undefined for anything else. */
export function parseQ(text: string): number | undefined {
  const point = text.indexOf(".")
  const whole = point === -1 ? text : text.slice(0, point)
  const decimals = point === -1 ? "" : text.slice(point + 1)
  if ((whole !== "0" && whole !== "1") || decimals.length > 3 || (decimals !== "" && !isDigits(decimals))) return undefined
  const thousandths = Number(whole) * 1000 + Number(decimals.padEnd(3, "0"))
  return thousandths <= 1000 ? thousandths : undefined
}

/** The shortest qvalue of that many thousandths: `0.5`, `1`. */
export function formatQ(thousandths: number): string {
  return String(Math.round(thousandths) / 1000)
}
