/** Loops and spirals (RFC 5393 §4): a hash of what decides where a request goes, in the branch of our Via. */
import { parseVia, type Headers } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import type { IsLocalAddress } from "../registrar/served-domains.ts"

/** Of the request as it was received; does not depend on the method, so that CANCEL and ACK have it too. */
export function loopHash(request: SipRequest): string {
  const { headers } = request
  const routes = valuesOf(headers, "Route")
  const options = valuesOf(headers, "Proxy-Require")
  const credentials = valuesOf(headers, "Proxy-Authorization")
  const tags = `${request.from.tag ?? ""}\n${request.to.tag ?? ""}`
  return digest(`${request.uri}\n${routes}\n\n${options}\n\n${credentials}\n${request.callId}\n${request.cseq.number}\n${tags}`)
}

function valuesOf(headers: Headers, name: string): string {
  return headers.has(name) ? headers.getAll(name).join("\n") : ""
}

/**
 * Twelve hexadecimal digits, by two rounds of FNV-1a. Nothing is protected by
 * it: who finds two requests with one hash gets one of them refused as a loop.
 */
function digest(text: string): string {
  let low = 0x811c9dc5
  let high = 0x811c9dc5 ^ text.length
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193)
    high = Math.imul(high ^ (text.charCodeAt(i) + (low >>> 24)), 0x01000193)
  }
  return ((high & 0xff_ffff) * 0x100_0000 + ((low ^ (low >>> 13)) & 0xff_ffff)).toString(16).padStart(12, "0")
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
