/** Who may send requests in the name of our users (RFC 3261 §22.3). Throws Refusals. */
import type { SipRequest } from "../message/index.ts"
import type { Authenticator } from "../registrar/authenticator.ts"
import { refuse } from "../registrar/refusal.ts"
import type { ServedDomains } from "../registrar/served-domains.ts"

export interface AuthorizationComponents {
  readonly authenticator: Authenticator | undefined
  readonly domains: ServedDomains
  /** The request has been authorized before: in its dialog, or by the peer that it entered at. */
  readonly isTrusted: boolean
}

/**
 * A request whose From is one of our users must have that user's credentials.
 * Requests from elsewhere need none: they reach our users, and nobody else.
 */
export function authorize(request: SipRequest, { authenticator, domains, isTrusted }: AuthorizationComponents): void {
  if (!authenticator || isTrusted) return
  const from = request.from.parsedUri
  if (domains.domainOf(from) === undefined) return
  const verdict = authenticator.verify(request.headers.getAll("Proxy-Authorization"), request.method)
  if (verdict.kind === "refused") {
    const challenges = authenticator.challenges(verdict.stale)
    throw refuse(407, "Proxy Authentication Required", challenges.map((challenge) => ["Proxy-Authenticate", challenge]))
  }
  const address = domains.addressOfRecord(from)?.slice("sip:".length)
  if (verdict.username !== from.decodedUser && verdict.username !== address) throw refuse(403, "From Is Not You")
}
