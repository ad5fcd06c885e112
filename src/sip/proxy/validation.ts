/** Request validation (RFC 3261 §16.3), and the limits of RFC 5393. Throws Refusals. */
import { maxBreadthOf } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import { refuse, refuseExtensions } from "../registrar/refusal.ts"
import type { IsLocalAddress } from "../registrar/served-domains.ts"
import { hasLooped } from "./loop-detection.ts"

export interface ValidationComponents {
  readonly isLocalAddress: IsLocalAddress
  /** Whether there are listeners with TLS, without which a sips URI cannot be honoured. */
  readonly hasTls: boolean
}

/** Throws unless the request may be worked on. `ownHash` is its loop hash. */
export function validate(request: SipRequest, ownHash: string, { isLocalAddress, hasTls }: ValidationComponents): void {
  const { requestUri, headers } = request
  if (!requestUri.isSip && requestUri.scheme !== "tel") throw refuse(416, "Unsupported URI Scheme")
  if (requestUri.isSips && !hasTls) throw refuse(416, "SIPS Needs TLS")
  if (hasLooped(request, ownHash, isLocalAddress)) throw refuse(482, "Loop Detected")
  const required = headers.getAll("Proxy-Require")
  if (required.length > 0) throw refuseExtensions(required)
}

/** §16.3 step 3: no further than the sender wants it. */
export function requireHops(request: SipRequest): void {
  if (request.maxForwards === 0) throw refuse(483, "Too Many Hops")
}

/** The branches that a request may still be forked into (RFC 5393 §5.3.3), at most `limit`. */
export function breadthOf(request: SipRequest, limit: number): number {
  const breadth = maxBreadthOf(request.headers) ?? limit
  if (breadth === 0) throw refuse(440, "Max-Breadth Exceeded")
  return Math.min(breadth, limit)
}
