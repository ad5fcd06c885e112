import type { SipRequest } from "./message.ts"
import { SipSyntaxError } from "./syntax-error.ts"

/**
 * The fault of a request that can be answered: its top Via can be parsed, and
 * it is no ACK. Other headers may be missing.
 */
export class RejectedRequest extends SipSyntaxError {
  override readonly name = "RejectedRequest"
  readonly request: SipRequest

  constructor({ status, reason }: Pick<SipSyntaxError, "status" | "reason">, request: SipRequest) {
    super(status, reason)
    this.request = request
  }
}

/** The fault of a request, with the request where a response finds its way to whoever sent it. */
export function faultIn(request: SipRequest, { status, reason }: Pick<SipSyntaxError, "status" | "reason">): SipSyntaxError {
  return isAnswerable(request) ? new RejectedRequest({ status, reason }, request) : new SipSyntaxError(status, reason)
}

/** Nobody answers an ACK (RFC 3261 §17). */
function isAnswerable(request: SipRequest): boolean {
  if (request.method === "ACK") return false
  try {
    return request.via !== undefined
  } catch {
    return false
  }
}
