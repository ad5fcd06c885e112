import type { SipRequest } from "./message.ts"

/**
 * True where a response to a request, malformed as it may be, finds its way:
 * the top Via can be parsed. Nobody answers an ACK (RFC 3261 §17).
 */
export function isAnswerable(request: SipRequest): boolean {
  if (request.method === "ACK") return false
  try {
    return request.via !== undefined
  } catch {
    return false
  }
}
