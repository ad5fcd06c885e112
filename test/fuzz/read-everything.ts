import { parseDigest } from "../../src/security/digest.ts"
import {
  addressOfRecord,
  contactExpires,
  contactQ,
  createResponse,
  maxBreadthOf,
  parseContacts,
  parseNameAddress,
  parseVia,
  reasonsOf,
  retryAfterOf,
  secondsOf,
  SipRequest,
  validateRequest,
  validateResponse,
} from "../../src/sip/message/index.ts"
import type { SipMessage, SipResponse } from "../../src/sip/message/index.ts"

const addressHeaders = ["From", "To", "Route", "Record-Route", "Path", "Refer-To"]
const authHeaders = ["WWW-Authenticate", "Authorization", "Proxy-Authenticate", "Proxy-Authorization"]

/** Each thing that some layer may ask of a message; a caller runs all of them, or each by itself. */
export function readers(message: SipRequest | SipResponse): readonly (() => unknown)[] {
  const { headers } = message
  return [
    () => (message instanceof SipRequest ? validateRequest(message) : validateResponse(message)),
    () => headers.getAll("Via").map((via) => parseVia(via).toString()),
    () => addressHeaders.flatMap((name) => headers.getAll(name).map((value) => parseNameAddress(value, name).parsedUri)),
    () => readContacts(message),
    () => (message.to.parsedUri.isSip ? addressOfRecord(message.to.parsedUri) : ""),
    () => authHeaders.flatMap((name) => headers.getAll(name).map(parseDigest)),
    () => maxBreadthOf(headers),
    () => [reasonsOf(headers), retryAfterOf(headers), secondsOf(headers, "Expires"), secondsOf(headers, "Min-Expires")],
    () => [...headers].map(([name, value]) => [value, headers.get(name), headers.getAll(name).length]),
    () => (message instanceof SipRequest ? createResponse(message, 400, undefined, { toTag: "t" }).toBytes() : message.reason),
    () => message.toBytes(),
  ]
}

function readContacts(message: SipMessage): unknown {
  const contacts = parseContacts(message.headers)
  if (contacts === "*") return contacts
  return contacts.map((contact) => [contact.parsedUri.toString(), contactExpires(contact), contactQ(contact), contact.toString()])
}
