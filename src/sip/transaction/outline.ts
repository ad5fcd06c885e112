import { Headers, SipRequest } from "../message/index.ts"

/** What an answer copies (RFC 3261 §8.2.6). */
export const answered = ["Via", "From", "To", "Call-ID", "CSeq"] as const
/** What the ACK for a refusal copies (§17.1.1.3). */
export const acknowledged = [...answered, "Route", "Authorization", "Proxy-Authorization"] as const

/**
 * What is still needed of a request once its work is done. A transaction
 * lingers for 32 seconds only to know retransmissions; bodies, Contacts and
 * all that other headers held would linger with it.
 */
export function outlineOf(request: SipRequest, kept: readonly string[]): SipRequest {
  const headers = new Headers()
  for (const name of kept) headers.copyFrom(request.headers, name)
  return new SipRequest(request.method, request.uri, headers.clone())
}
