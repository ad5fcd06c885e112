/**
 * The k closest peers that a look-up has heard of, closest first.
 *
 * The order is kept by the `LookupList` of `kademlia-dht`. It forgets whom it
 * has pushed out, and would hand out again whom it has removed; so what was
 * asked, answered and failed is remembered here.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { PackageContact, PackageLookupList } from "./kademlia-dht.ts"
import { LookupList, contactOf, packageId } from "./kademlia-dht.ts"

/** Peers that one look-up remembers to have heard of. */
const maxHeard = 1024

/** See the head of this file. */
export class Shortlist {
  readonly #list: PackageLookupList
  readonly #heard = new Map<PeerId, PackageContact>()
  readonly #failed = new Set<PeerId>()
  readonly #handedOut = new Set<PeerId>()

  constructor(target: Id, k: number) {
    this.#list = new LookupList(packageId(target), k)
  }

  add(members: readonly Member[]): void {
    for (const member of members) {
      if (this.#failed.has(member.peerId) || this.#heard.has(member.peerId) || this.#heard.size >= maxHeard) continue
      const contact = contactOf(member)
      this.#heard.set(member.peerId, contact)
      this.#list.insert(contact)
    }
  }

  /** The closest that was not handed out yet. */
  next(): Member | undefined {
    for (let contact = this.#list.next(); contact !== null; contact = this.#list.next()) {
      const { peerId } = contact.endpoint
      if (this.#handedOut.has(peerId)) continue
      this.#handedOut.add(peerId)
      return contact.endpoint
    }
    return undefined
  }

  /** A peer did not answer: it is never handed out again, and whom it had kept off the list comes back. */
  fail(member: Member): void {
    this.#failed.add(member.peerId)
    const contact = this.#heard.get(member.peerId)
    if (contact === undefined) return
    this.#heard.delete(member.peerId)
    if (this.#list.remove(contact)) for (const other of this.#heard.values()) this.#list.insert(other)
  }

  /** The k closest of those that have not failed. */
  get members(): Member[] {
    return this.#list.getContacts().map(({ endpoint }) => endpoint)
  }
}
