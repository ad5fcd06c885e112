/** Where 3xx responses lead (RFC 3261 §16.7 step 4), for one request: bounded, and nowhere twice. */
import { contactQ, parseContacts, SipUri } from "../message/index.ts"
import type { NameAddress, SipResponse } from "../message/index.ts"
import type { Redirection } from "./proxied-request.ts"
import type { Target } from "./targets.ts"

/** What one request's redirects need. */
export interface RedirectComponents {
  /** A SIP URI for a contact; undefined where it has a scheme that leads nowhere. Throws where it is malformed. */
  asSip(uri: SipUri): SipUri | undefined
  /** What a URI is known by: two that lead to the same place are the same. */
  nameOf(uri: SipUri): string
  /** The targets of a contact; undefined where this request may not be sent there by us. Rejects where that cannot be told just now. */
  targetsOf(uri: SipUri): Promise<readonly Target[]> | undefined
}

const followed: ReadonlySet<number> = new Set([300, 301, 302])

/** See the head of this file. */
export class Redirects {
  readonly #components: RedirectComponents
  readonly #seen = new Set<string>()
  #left: number

  /** `original` is where the request was to go; `max` contacts are followed in all. */
  constructor(components: RedirectComponents, original: SipUri, max: number) {
    this.#components = components
    this.#left = max
    this.#seen.add(components.nameOf(original))
  }

  /** Undefined for what is not followed at all. */
  follow(response: SipResponse): Promise<Redirection> | undefined {
    if (!followed.has(response.status)) return undefined
    const contacts = contactsOf(response)
    // One may fail while another is still waited for: from the start none of them is without somebody who listens.
    const begun = contacts.map((contact) => ({ contact, targets: this.#begin(contact)?.catch(() => undefined) }))
    if (begun.every(({ targets }) => targets === undefined)) return undefined
    return finish(response, begun)
  }

  #begin(contact: NameAddress): Promise<readonly Target[]> | undefined {
    const uri = this.#uriOf(contact)
    if (uri === undefined || this.#left === 0) return undefined
    const name = this.#components.nameOf(uri)
    if (this.#seen.has(name)) return undefined
    const targets = this.#components.targetsOf(uri)
    if (targets === undefined) return undefined
    this.#seen.add(name)
    this.#left--
    return targets
  }

  #uriOf({ uri }: NameAddress): SipUri | undefined {
    try {
      return this.#components.asSip(SipUri.parse(uri))
    } catch {
      return undefined
    }
  }
}

interface Begun {
  readonly contact: NameAddress
  /** What it leads to, where that can be told. */
  readonly targets: Promise<readonly Target[] | undefined> | undefined
}

async function finish(response: SipResponse, begun: readonly Begun[]): Promise<Redirection> {
  const targets: Target[] = []
  const left: NameAddress[] = []
  for (const { contact, targets: promised } of begun) {
    const found = await promised
    if (found === undefined) left.push(contact)
    // The q of the redirection decides; phones of one contact are one rank.
    else targets.push(...found.map(({ ways }) => ({ ways, qThousandths: qOf(contact) })))
  }
  if (left.length === 0) return { targets, rest: undefined }
  const rest = response.clone()
  // In one field: there may be more of them than a message may have fields.
  rest.headers.set("Contact", left.map(String).join(", "))
  return { targets, rest }
}

/** What is malformed is passed on for the caller to judge. */
function contactsOf(response: SipResponse): readonly NameAddress[] {
  try {
    const contacts = parseContacts(response.headers)
    return contacts === "*" ? [] : contacts
  } catch {
    return []
  }
}

function qOf(contact: NameAddress): number {
  try {
    return contactQ(contact) ?? 1000
  } catch {
    return 1000
  }
}
