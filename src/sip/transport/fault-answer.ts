import { createResponse, parseMessage, RejectedRequest, type SipMessage, SipRequest } from "../message/index.ts"
import type { FramerFault } from "./stream-framer.ts"

/**
 * The response that tells a sender why its stream ends here; undefined where
 * none can be addressed: no request, no complete headers, or an ACK.
 */
export function answerToFault(fault: FramerFault): Uint8Array | undefined {
  if (fault.head.length === 0) return undefined
  const request = requestIn(fault.head)
  if (request === undefined || request.method === "ACK" || !request.headers.has("Via")) return undefined
  return createResponse(request, fault.status, fault.reason, { toTag: "closed" }).toBytes()
}

/** The head announces a body that is not there, which is a fault by itself. */
function requestIn(head: Uint8Array): SipRequest | undefined {
  try {
    const message: SipMessage = parseMessage(head)
    return message instanceof SipRequest ? message : undefined
  } catch (error) {
    return error instanceof RejectedRequest ? error.request : undefined
  }
}
