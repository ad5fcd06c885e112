/** By what messages find their transaction (RFC 3261 §17.1.3, §17.2.3). */
import type { SipRequest, Via } from "../message/index.ts"
import type { PlainHead } from "./plain-head.ts"
import { magicCookie } from "./via.ts"

/** The key of a client transaction; the sent-by need not be compared, as the branch is this element's own. */
export function clientKey(branch: string, method: string): string {
  return `${method} ${branch}`
}

/** The branch in the key of a client transaction. */
export function branchOf(key: string): string {
  return key.slice(key.indexOf(" ") + 1)
}

/** Whether the sender promises, as RFC 3261 demands, that the branch alone tells its transactions apart. */
export function hasCookie(via: Via): boolean {
  return via.branch?.startsWith(magicCookie) === true
}

/**
 * The key of the server transaction of `method` that a request belongs to.
 * For an ACK or a CANCEL, `method` is INVITE.
 */
export function serverKey(request: SipRequest, via: Via, method: string): string {
  if (hasCookie(via)) return `${method} ${via.branch} ${via.sentBy}`
  // RFC 2543 clients: everything but the To tag, which an ACK has from the response.
  return [`${method} 2543`, request.uri, request.callId, request.from.tag ?? "", request.cseq.number, via.toString()].join(" ")
}

/** The same of a request that has not been parsed. */
export function plainServerKey({ method, branch, sentBy }: PlainHead): string {
  return `${method} ${branch} ${sentBy}`
}

/** True where {@link serverKey} had to fall back to the rules of RFC 2543. */
export function isOldKey(key: string): boolean {
  return key.startsWith("2543", key.indexOf(" ") + 1)
}
