/** Who may watch an address-of-record, and publish for it. Whoever speaks as one of our users has proved to be that user. */
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
  /** Whether anybody may do anything. */
  readonly isOpen: boolean

  constructor(domains: ServedDomains, { thirdParties = [], isOpen = false }: EventAuthorizationOptions) {
    this.#domains = domains
    this.#thirdParties = new Set(thirdParties.map((name) => Buffer.from(name, "utf8").toString("latin1")))
    this.isOpen = isOpen
  }

  /**
   * The address-of-record of the user who asks, for those who count what each may have; undefined where nobody has proved
   * to be somebody, and for third parties. Throws a Refusal where whoever asks may not.
   */
  require(allowed: "users" | "self", { from }: SipRequest, addressOfRecord: string): string | undefined {
    if (this.isOpen) return undefined
    const user = this.#domains.addressOfRecord(from.parsedUri)
    if (user === undefined) throw refuse(403, "Not One Of Our Users")
    if (this.#isThirdParty(user, addressOfRecord)) return undefined
    if (allowed === "self" && user !== addressOfRecord) throw refuse(403, "Not Your Address-Of-Record")
    return user
  }

  #isThirdParty(user: string, addressOfRecord: string): boolean {
    const [name, domain] = partsOf(user)
    return (this.#thirdParties.has(name) || this.#thirdParties.has(`${name}@${domain}`)) && domain === partsOf(addressOfRecord)[1]
  }
}

function partsOf(addressOfRecord: string): [user: string, domain: string] {
  const at = addressOfRecord.lastIndexOf("@")
  return [addressOfRecord.slice("sip:".length, at), addressOfRecord.slice(at + 1)]
}
