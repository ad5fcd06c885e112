import type { SipMessage, SipRequest, SipResponse } from "./message.ts"
import { reasonPhrase } from "./reason-phrases.ts"
import { faultIn } from "./rejected-request.ts"
import { badRequest, SipSyntaxError } from "./syntax-error.ts"

/** The methods of RFC 3261 and its extensions. */
const knownMethods: ReadonlySet<string> = new Set(
  "INVITE ACK OPTIONS BYE CANCEL REGISTER PRACK SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE".split(" "),
)

/**
 * Refuses a request that no element should act on (RFC 3261 §8.1.1, §16.3
 * steps 1 and 3, RFC 4475): mandatory headers missing or malformed, headers twice that may
 * stand once, a CSeq of another method, a malformed Request-URI.
 *
 * Max-Forwards and the From tag may be missing (RFC 2543 phones). A URI scheme
 * that nobody knows is fine here; 416 is for whoever routes the request.
 *
 * Throws {@link SipSyntaxError}, a `RejectedRequest` where it can be answered.
 */
export function validateRequest(request: SipRequest): void {
  try {
    checkRequest(request)
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error
    throw faultIn(request, error)
  }
}

function checkRequest(request: SipRequest): void {
  checkDialogHeaders(request)
  // §8.1.1.5: the methods must match, and case counts. RFC 4475 §3.1.2.18: of an unknown method, who knows.
  if (request.cseq.method !== request.method) {
    if (!knownMethods.has(request.method)) throw new SipSyntaxError(501, reasonPhrase(501))
    throw badRequest("CSeq method does not match request method")
  }
  const uri = request.requestUri
  // §19.1.1, table 1: no headers in a Request-URI.
  if (uri.isSip && uri.headers !== undefined) throw badRequest("Headers in Request-URI")
  void request.maxForwards
}

/** As {@link validateRequest}, for a response; the caller drops it silently. */
export function validateResponse(response: SipResponse): void {
  checkDialogHeaders(response)
}

function checkDialogHeaders(message: SipMessage): void {
  const twice = message.headers.repeatedSingle()
  if (twice !== undefined) throw badRequest(`${twice} given twice`)
  const via = message.via
  if (via === undefined) throw badRequest("Missing Via")
  // §8.1.1.7: the cookie promises a unique identifier after it.
  if (via.branch?.length === 7 && via.branch.toLowerCase() === "z9hg4bk") throw badRequest("Via branch without identifier")
  void message.from
  void message.to
  void message.callId
  void message.cseq
}
