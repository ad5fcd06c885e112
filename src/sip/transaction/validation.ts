import { SipSyntaxError, type SipRequest } from "../message/index.ts"

/**
 * What keeps a request from becoming a transaction: the headers without which
 * none can be kept or answered (RFC 3261 §8.1.1). Undefined for a sound one.
 */
export function requestFault(request: SipRequest): SipSyntaxError | undefined {
  try {
    if (request.via === undefined) return new SipSyntaxError(400, "Missing Via")
    if (request.cseq.method !== request.method) return new SipSyntaxError(400, "CSeq method does not match the request")
    void request.from
    void request.to
    void request.callId
    void request.maxForwards
    return undefined
  } catch (error) {
    if (error instanceof SipSyntaxError) return error
    throw error
  }
}
