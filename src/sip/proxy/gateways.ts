/** Next hops that the configuration names, instead of what the DNS says (RFC 3261 §16.5, §16.6 step 6: local policy). */
import { type BlockList, isIPv6 } from "node:net"
import { SipUri } from "../message/index.ts"

/** Where requests for a domain go. */
export interface Gateway {
  /** A domain in any case, or `*` for all that have no gateway of their own. */
  readonly domain: string
  /** How the user part begins, as `+` or `00`. Needed for domains served here: numbers that are nobody's here. @default any */
  readonly prefix?: string | undefined
  /** SIP URIs, the first to be tried first. */
  readonly to: readonly string[]
  /**
   * Where its own requests come from: in the name of a number (a user of
   * `domain` that begins with `prefix`) they need no credentials. They reach
   * our users, as anybody's requests do, and nobody else. @default nowhere
   */
  readonly trusted?: BlockList | undefined
}

interface Entry {
  readonly domain: string
  readonly prefix: string
  readonly to: readonly SipUri[]
  readonly trusted: BlockList | undefined
}

/** See the head of this file. */
export class Gateways {
  readonly #entries: readonly Entry[]

  /** Throws a SipSyntaxError for a malformed URI. */
  constructor(gateways: readonly Gateway[]) {
    const entries = gateways.map(({ domain, prefix = "", to, trusted }) => ({ domain: domain.toLowerCase(), prefix, to: to.map((uri) => SipUri.parse(uri)), trusted }))
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

  /** Whether there are none at all. */
  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** Whether a gateway at this IP address speaks for this number of one of our domains. */
  speaksFor(domain: string, { decodedUser = "" }: SipUri, address: string): boolean {
    const family = isIPv6(address) ? "ipv6" : "ipv4"
    return this.#entries.some((entry) => entry.domain === domain && decodedUser.startsWith(entry.prefix) && entry.trusted?.check(address, family) === true)
  }

  #find(domain: string, { decodedUser = "" }: SipUri): readonly SipUri[] | undefined {
    return this.#entries.find((entry) => entry.domain === domain && decodedUser.startsWith(entry.prefix))?.to
  }
}
