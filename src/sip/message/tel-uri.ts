/** Telephone numbers (RFC 3966) as SIP URIs (RFC 3261 §19.1.6). Pure. */
import { isUserCode } from "./characters.ts"
import { badRequest } from "./syntax-error.ts"
import { escapeUri, SipUri, unescapeUri } from "./uri.ts"

const separators = /[-.()]/g
const globalNumber = /^\+[0-9]+$/
const localNumber = /^[0-9A-Fa-f*#]+$/

/**
 * The SIP URI of a `tel` URI, at that domain: visual separators are gone, and
 * parameters of the number stay with it, in the user part. A local number whose
 * `phone-context` `isOurs` says is a domain of ours is one of that domain.
 * Throws {@link SipSyntaxError} with status 400.
 */
export function telToSip(tel: SipUri, domain: string, isOurs: (domain: string) => boolean): SipUri {
  const [subscriber = "", ...parameters] = tel.toString().slice("tel:".length).split(";")
  const number = subscriber.replace(separators, "")
  const contextAt = parameters.findIndex((parameter) => /^phone-context=/i.test(parameter))
  const context = parameters[contextAt]?.slice("phone-context=".length).toLowerCase()
  // RFC 3966 §5.1.5: a number that is not global means nothing without its context.
  const isWellFormed = context === undefined ? globalNumber.test(number) : localNumber.test(number)
  if (!isWellFormed) throw badRequest("Malformed tel URI")
  const home = context !== undefined && isOurs(context) ? context : undefined
  const rest = parameters.filter((_, index) => home === undefined || index !== contextAt).map((parameter) => `;${parameter}`).join("")
  // Escapes are undone and made again, so that nothing but the characters of a user part is left.
  return SipUri.parse(`sip:${escapeUri(unescapeUri(number + rest), isUserCode)}@${home ?? domain};user=phone`)
}
