/**
 * The domains that this peer answers for, and the canonical form of their
 * addresses-of-record (RFC 3261 §10.3 step 5).
 */
import { telToSip } from "../message/index.ts"
import type { SipUri } from "../message/index.ts"
import { refuse } from "./refusal.ts"

/** Whether a host and port (undefined: none given) are where one of our own listeners is reached. */
export type IsLocalAddress = (host: string, port: number | undefined) => boolean

/** See the head of this file. */
export class ServedDomains {
  readonly #domains: ReadonlySet<string>
  readonly #firstDomain: string | undefined
  readonly isLocalAddress: IsLocalAddress

  /**
   * The first of `domains` is also meant where a URI names one of our own
   * listeners instead of a domain, because phones are often given only the
   * address of their proxy.
   */
  constructor(domains: readonly string[], isLocalAddress: IsLocalAddress) {
    const lower = domains.map((domain) => domain.toLowerCase())
    this.#domains = new Set(lower)
    this.#firstDomain = lower[0]
    this.isLocalAddress = isLocalAddress
  }

  /** Whether a host in lower case is one of our domains, by this name. */
  has(host: string): boolean {
    return this.#domains.has(host)
  }

  /** The domain that a SIP URI belongs to; undefined for other people's. */
  domainOf(uri: SipUri): string | undefined {
    if (!uri.isSip) return undefined
    const host = withoutRoot(uri.host)
    if (this.#domains.has(host)) return host
    return this.isLocalAddress(host, uri.port) ? this.#firstDomain : undefined
  }

  /** Whether a URI's host is one of our domains or listeners: then we are its next hop. */
  isOurs(uri: SipUri): boolean {
    return uri.isSip && (this.#domains.has(withoutRoot(uri.host)) || this.isLocalAddress(withoutRoot(uri.host), uri.port))
  }

  /** `sip:user@domain`, the user decoded, without parameters; undefined for other people's URIs and those without a user. */
  addressOfRecord(uri: SipUri): string | undefined {
    const user = uri.decodedUser
    const domain = user === undefined ? undefined : this.domainOf(uri)
    return domain === undefined ? undefined : `sip:${user}@${domain}`
  }

  /**
   * A SIP URI as it is; a `tel` URI as one of the domain of `from`, who calls
   * it, else of the first. Undefined for other schemes. Throws a SipSyntaxError.
   */
  asSip(uri: SipUri, from: SipUri): SipUri | undefined {
    if (uri.isSip) return uri
    const domain = this.domainOf(from) ?? this.#firstDomain
    return uri.scheme === "tel" && domain !== undefined ? telToSip(uri, domain, (name) => this.#domains.has(name)) : undefined
  }
}

/** Longer ones are nobody's, as no key of the overlay is as long as anybody likes. A peer that cannot serve them is well nevertheless. */
const maxAddressOfRecordLength = 512

/** Whether anybody can have that address-of-record. */
export function isPossible(addressOfRecord: string): boolean {
  return addressOfRecord.length <= maxAddressOfRecordLength
}

/** Throws a Refusal with 404 for an address-of-record that nobody can have. */
export function requirePossible(addressOfRecord: string): void {
  if (!isPossible(addressOfRecord)) throw refuse(404, "Not Found")
}

/** RFC 3261 §25.1: a name may end in the dot of the root, and is the same name. */
function withoutRoot(host: string): string {
  return host.endsWith(".") ? host.slice(0, -1) : host
}
