/** Loops and spirals (RFC 5393 §4): a hash of what decides where a request goes, in the branch of our Via. */
import { hash } from "node:crypto"
import { parseVia } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import type { IsLocalAddress } from "../registrar/served-domains.ts"

/** Of the request as it was received; does not depend on the method, so that CANCEL and ACK have it too. */
export function loopHash(request: SipRequest): string {
  const { headers } = request
  const decisive = [
    request.uri,
    ...headers.getAll("Route"),
    "",
    ...headers.getAll("Proxy-Require"),
    "",
    ...headers.getAll("Proxy-Authorization"),
    request.callId,
    String(request.cseq.number),
    request.from.tag ?? "",
    request.to.tag ?? "",
  ]
  return hash("sha1", Buffer.from(decisive.join("\n"), "latin1"), "hex").slice(0, 12)
}

/** True where the request has been here before with everything the same. A request that has changed meanwhile spirals, which is allowed. */
export function hasLooped(request: SipRequest, ownHash: string, isLocalAddress: IsLocalAddress): boolean {
  for (const text of request.headers.getAll("Via")) {
    if (!text.includes(ownHash)) continue
    const via = parseVia(text)
    if (via.branch?.endsWith(ownHash) === true && isLocalAddress(via.host, via.port)) return true
  }
  return false
}
