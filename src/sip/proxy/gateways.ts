/** Next hops that the configuration names, instead of what the DNS says (RFC 3261 §16.5, §16.6 step 6: local policy). */
import { SipUri } from "../message/index.ts"

/** Where requests for a domain go. */
export interface Gateway {
  /** A domain in any case, or `*` for all that have no gateway of their own. */
  readonly domain: string
  /** How the user part begins, as `+` or `00`. Needed for domains served here: numbers that are nobody's here. @default any */
  readonly prefix?: string | undefined
  /** SIP URIs, the first to be tried first. */
  readonly to: readonly string[]
}

interface Entry {
  readonly domain: string
  readonly prefix: string
  readonly to: readonly SipUri[]
}

/** See the head of this file. */
export class Gateways {
  readonly #entries: readonly Entry[]

  /** Throws a SipSyntaxError for a malformed URI. */
  constructor(gateways: readonly Gateway[]) {
    const entries = gateways.map(({ domain, prefix = "", to }) => ({ domain: domain.toLowerCase(), prefix, to: to.map((uri) => SipUri.parse(uri)) }))
    this.#entries = entries.sort((a, b) => b.prefix.length - a.prefix.length)
  }

  /** The next hops for other people's domain; undefined where the DNS is to be asked. */
  forOthers(uri: SipUri): readonly SipUri[] | undefined {
    return this.#find(uri.host, uri) ?? this.#find("*", uri)
  }

  /** The next hops for a user of one of our domains that is not here. */
  forOurs(domain: string, uri: SipUri): readonly SipUri[] | undefined {
    return this.#find(domain, uri)
  }

  #find(domain: string, { decodedUser = "" }: SipUri): readonly SipUri[] | undefined {
    return this.#entries.find((entry) => entry.domain === domain && decodedUser.startsWith(entry.prefix))?.to
  }
}
