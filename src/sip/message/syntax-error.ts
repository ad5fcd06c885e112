import { P2PSipError } from "../../errors.ts"
import { printable } from "./characters.ts"

/**
 * Bytes that are not a SIP message this element can work with.
 *
 * `status` and `reason` are what the response should say (RFC 3261 §16.3,
 * RFC 4475), where one can be addressed: then it is a `RejectedRequest`.
 */
export class SipSyntaxError extends P2PSipError {
  override readonly name: string = "SipSyntaxError"
  readonly status: number
  /** A reason phrase that names the fault; printable ASCII. */
  readonly reason: string

  constructor(status: number, reason: string) {
    const safeReason = printable(reason, 120)
    super("P2PSIP_BAD_SIP", `${status} ${safeReason}`)
    this.status = status
    this.reason = safeReason
  }
}

/** The usual fault: 400 with a reason phrase that names what is wrong. */
export function badRequest(fault: string): SipSyntaxError {
  return new SipSyntaxError(400, fault)
}
