import { Headers, SipRequest } from "../message/index.ts"

/** What an answer copies (RFC 3261 §8.2.6), and the ACK for a refusal (§17.1.1.3). */
const kept = ["Via", "From", "To", "Call-ID", "CSeq", "Route", "Authorization", "Proxy-Authorization"]

/**
 * What is still needed of a request once its work is done. A transaction
 * lingers for 32 seconds only to know retransmissions; bodies, Contacts and
 * all that other headers held would linger with it.
 */
export function outlineOf(request: SipRequest): SipRequest {
  const headers = new Headers()
  for (const name of kept) headers.copyFrom(request.headers, name)
  return new SipRequest(request.method, request.uri, headers.clone())
}
