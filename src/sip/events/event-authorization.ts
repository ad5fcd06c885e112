/** Who may watch an address-of-record. Whoever speaks as one of our users has proved to be that user. */
import type { SipRequest } from "../message/index.ts"
import { refuse } from "../registrar/refusal.ts"
import type { ServedDomains } from "../registrar/served-domains.ts"

/** What a user may choose about it. */
export interface EventAuthorizationOptions {
  /** Users who may do for others of their domain what these may do for themselves. @default none */
  readonly thirdParties?: readonly string[] | undefined
  /** Whether anybody may do anything: where nobody has a password. @default false */
  readonly isOpen?: boolean | undefined
}

/** See the head of this file. */
export class EventAuthorization {
  readonly #domains: ServedDomains
  readonly #thirdParties: ReadonlySet<string>
  readonly #isOpen: boolean

  constructor(domains: ServedDomains, { thirdParties = [], isOpen = false }: EventAuthorizationOptions) {
    this.#domains = domains
    this.#thirdParties = new Set(thirdParties.map((name) => Buffer.from(name, "utf8").toString("latin1")))
    this.#isOpen = isOpen
  }

  /** The address-of-record of whoever asks; undefined for strangers. Throws a Refusal where these users may not. */
  require(allowed: "users" | "self", { from }: SipRequest, addressOfRecord: string): string | undefined {
    const user = this.#domains.addressOfRecord(from.parsedUri)
    const mayDo = this.#isOpen || (user !== undefined && (allowed === "users" || this.#isSelf(user, addressOfRecord)))
    if (!mayDo) throw refuse(403, allowed === "self" ? "Not Your Address-Of-Record" : "Not One Of Our Users")
    return user
  }

  #isSelf(user: string, addressOfRecord: string): boolean {
    if (user === addressOfRecord) return true
    const [name, domain] = partsOf(user)
    const isThirdParty = this.#thirdParties.has(name) || this.#thirdParties.has(`${name}@${domain}`)
    return isThirdParty && domain === partsOf(addressOfRecord)[1]
  }
}

function partsOf(addressOfRecord: string): [user: string, domain: string] {
  const at = addressOfRecord.lastIndexOf("@")
  return [addressOfRecord.slice("sip:".length, at), addressOfRecord.slice(at + 1)]
}
