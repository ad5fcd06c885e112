/** Who may send requests in the name of our users (RFC 3261 §22.3). Throws Refusals. */
import { type Soon, whenKnown } from "../../soon.ts"
import type { SipRequest } from "../message/index.ts"
import type { Authenticator, Presented, Verdict } from "../registrar/authenticator.ts"
import { refuse, type Refusal } from "../registrar/refusal.ts"
import type { ServedDomains } from "../registrar/served-domains.ts"
import type { Flow } from "../transport/index.ts"

export interface AuthorizationComponents {
  readonly authenticator: Authenticator | undefined
  readonly domains: ServedDomains
  /** The request has been authorized before: in its dialog, or by the peer that it entered at. */
  readonly isTrusted: boolean
  /** What to refuse with where the user cannot be looked up just now. */
  readonly away: (error: unknown) => Refusal
}

/**
 * A request whose From is one of our users must have that user's credentials.
 * Requests from elsewhere need none: they reach our users, and nobody else.
 */
export function authorize(request: SipRequest, flow: Flow, components: AuthorizationComponents): void | Promise<void> {
  const { authenticator, domains, isTrusted, away } = components
  if (!authenticator || isTrusted) return undefined
  const domain = domains.domainOf(request.from.parsedUri)
  if (domain === undefined) return undefined
  const credentials = request.headers.getAll("Proxy-Authorization")
  const source = flow.remote.host
  const admit = (known: Verdict): void => {
    if (known.kind === "throttled") throw refuse(503, "Too Many Wrong Passwords", [["Retry-After", String(known.retryAfterSeconds)]])
    if (known.kind === "refused") {
      const challenges = authenticator.challenges(domain, source, known.stale)
      throw refuse(407, "Proxy Authentication Required", challenges.map((challenge) => ["Proxy-Authenticate", challenge]))
    }
    requireOwn(request, known.username, domains)
  }
  const verdict = verify(authenticator, { credentials, method: request.method, domain, source }, away)
  return whenKnown(verdict, admit)
}

/** Directories may be full of questions, or not answer. */
function verify(authenticator: Authenticator, presented: Presented, away: (error: unknown) => Refusal): Soon<Verdict> {
  const refuseNow = (error: unknown): never => {
    throw away(error)
  }
  try {
    const verdict = authenticator.verify(presented)
    return verdict instanceof Promise ? verdict.catch(refuseNow) : verdict
  } catch (error) {
    return refuseNow(error)
  }
}

/** RFC 3261 §22.3: credentials for our realm stay here, those for the proxies behind us go on. */
export function consumeCredentials(request: SipRequest, { authenticator, domains }: Pick<AuthorizationComponents, "authenticator" | "domains">): void {
  const { headers } = request
  if (!authenticator || !headers.has("Proxy-Authorization")) return
  const domain = domains.domainOf(request.from.parsedUri)
  if (domain === undefined) return
  const others = headers.getAll("Proxy-Authorization").filter((credentials) => !authenticator.isOurs(credentials, domain))
  headers.remove("Proxy-Authorization")
  for (const credentials of others) headers.append("Proxy-Authorization", credentials)
}

function requireOwn(request: SipRequest, username: string, domains: ServedDomains): void {
  const from = request.from.parsedUri
  const address = domains.addressOfRecord(from)?.slice("sip:".length)
  if (username !== from.decodedUser && username !== address) throw refuse(403, "From Is Not You")
}
