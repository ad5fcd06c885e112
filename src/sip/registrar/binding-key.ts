/**
 * When two contacts of one address-of-record are the same binding.
 *
 * With Outbound, the phone says so: instance and flow number (RFC 5626 §6).
 * Otherwise equal URIs are (RFC 3261 §10.3 step 7). Equality by §19.1.4 is not
 * transitive, since a parameter that only one of two URIs has is ignored; keys
 * need an equivalence, so here every parameter counts. Phones repeat their
 * contact as it was, and two lines of one phone that differ in a parameter
 * stay apart.
 */
import { Params, SipUri } from "../message/index.ts"
import { unescapeUri } from "../message/uri.ts"

/** A text that is the same exactly for contacts of the same binding. `contact` and `parameters` as in a Binding. */
export function bindingKey(contact: string, parameters: string): string {
  if (parameters !== "") {
    const params = Params.parse(parameters, 0, "Contact")
    const instance = params.getUnquoted("+sip.instance")
    const flowNumber = params.get("reg-id")
    if (instance !== undefined && flowNumber !== undefined) return `instance ${instance} ${Number(flowNumber)}`
  }
  return canonicalUri(contact)
}

/** Most contacts: their only spelling is the one that they have. */
const plainUri = /^sip:[\w.!~*'()&=+$,/-]+@[a-z\d.-]+(?::(?:[1-9]\d{0,3}|[1-5]\d{4}))?$/

/** One spelling for all URIs that are equal. What is no SIP URI is equal only to itself. */
export function canonicalUri(text: string): string {
  if (plainUri.test(text)) return `${text}  `
  const uri = SipUri.tryParse(text)
  if (!uri?.isSip) return text
  const user = uri.user === undefined ? "" : `${sameEscapes(uri.user)}${uri.password === undefined ? "" : `:${sameEscapes(uri.password)}`}@`
  const port = uri.port === undefined ? "" : `:${uri.port}`
  const address = `${uri.scheme}:${user}${uri.host}${port}`
  if (uri.params.size === 0 && uri.headers === undefined) return `${address}  `
  const parts: string[] = []
  // Values compare without case (§19.1.4), names do as well.
  for (const [name, value] of uri.params) parts.push(unescapeUri(value === undefined ? name : `${name}=${value}`).toLowerCase())
  const headers = uri.headers === undefined ? [] : uri.headers.split("&").map((header) => sameEscapes(header))
  return `${address} ${parts.sort().join(";")} ${headers.sort().join("&")}`
}

/** A character is equal to its escape, except where it would end the part that it stands in. */
function sameEscapes(text: string): string {
  if (!text.includes("%")) return text
  return text.replace(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return " :@&=;?%".includes(character) ? escape.toUpperCase() : character
  })
}
