/** Requests that a client transaction makes itself from the INVITE that it sent. */
import { SipRequest, type SipResponse } from "../message/index.ts"

/** The ACK for a non-2xx final response (RFC 3261 §17.1.1.3). */
export function ackFor(invite: SipRequest, response: SipResponse): SipRequest {
  const ack = derive(invite, "ACK")
  ack.headers.set("To", response.headers.get("To") ?? invite.headers.get("To") ?? "")
  return ack
}

/** The CANCEL (RFC 3261 §9.1), with the Reason of RFC 3326. */
export function cancelFor(invite: SipRequest, reason: string | undefined): SipRequest {
  const cancel = derive(invite, "CANCEL")
  if (reason !== undefined) cancel.headers.append("Reason", reason)
  return cancel
}

/** Both take the Request-URI, the topmost Via, Route, From, To, Call-ID, CSeq number and credentials of the INVITE. */
function derive(invite: SipRequest, method: string): SipRequest {
  const request = SipRequest.create(method, invite.uri)
  const { headers } = request
  if (invite.via !== undefined) headers.append("Via", invite.via.toString())
  headers.copyFrom(invite.headers, "Route")
  headers.append("Max-Forwards", "70")
  headers.copyFirst(invite.headers, "From")
  headers.copyFirst(invite.headers, "To")
  headers.copyFirst(invite.headers, "Call-ID")
  headers.append("CSeq", `${invite.cseq.number} ${method}`)
  if (method === "ACK") {
    headers.copyFrom(invite.headers, "Authorization")
    headers.copyFrom(invite.headers, "Proxy-Authorization")
  }
  return request
}
