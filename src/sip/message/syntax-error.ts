import { P2PSipError } from "../../errors.ts"
import { printable } from "./characters.ts"
import type { SipRequest } from "./message.ts"

/**
 * Bytes that are not a SIP message this element can work with.
 *
 * `status` and `reason` are what the response should say (RFC 3261 §16.3,
 * RFC 4475). `request` is there only where a response can be addressed: its
 * top Via can be parsed, and it is no ACK. Other headers may be missing.
 */
export class SipSyntaxError extends P2PSipError {
  override readonly name: string = "SipSyntaxError"
  readonly status: number
  /** A reason phrase that names the fault; printable ASCII. */
  readonly reason: string
  readonly request: SipRequest | undefined

  constructor(status: number, reason: string, request?: SipRequest) {
    const safeReason = printable(reason, 120)
    super("P2PSIP_BAD_SIP", `${status} ${safeReason}`)
    this.status = status
    this.reason = safeReason
    this.request = request
  }
}

/** The usual fault: 400 with a reason phrase that names what is wrong. */
export function badRequest(fault: string): SipSyntaxError {
  return new SipSyntaxError(400, fault)
}
