/**
 * Fetches single keys that are asked for before their range was compared: from
 * those to whom the comparison is owed, and from whom these name in turn.
 */
import type { PeerId } from "../link/link.ts"
import type { Custodian } from "./custodian.ts"
import { isSettledFor, unsettledFor } from "./custody.ts"
import type { Id } from "./id.ts"
import type { Member } from "./key-based-routing.ts"
import type { Transfer } from "./transfer.ts"

export interface KeyFetcherComponents {
  readonly custodian: Custodian
  readonly transfer: Transfer
}

const maxFreshKeys = 65_536
/** Peers asked for one key, and how far from lead to lead. */
const maxAsked = 64
const maxDepth = 8

/** See the head of this file. */
export class KeyFetcher {
  readonly #components: KeyFetcherComponents
  /** Keys that were fetched since the surroundings last changed, and fetches begun since. */
  #fresh = new Set<Id>()
  #underWay = new Map<Id, Promise<void>>()
  #changes = 0

  constructor(components: KeyFetcherComponents) {
    this.#components = components
  }

  /**
   * Makes sure that this peer has all that is known of a key it owns;
   * `undefined` when that is so already.
   */
  ensure(key: Id): Promise<void> | undefined {
    const { custodian } = this.#components
    const { custody } = custodian
    if (custodian.isSettled) return undefined
    if (custody.changes !== this.#changes) this.#beginAnew(custody.changes)
    if (this.#fresh.has(key) || unsettledFor(custody, key).length === 0) return undefined
    const underWay = this.#underWay
    let fetching = underWay.get(key)
    if (fetching === undefined) {
      // Should the key be lost and come back on the way, there is more to ask.
      fetching = this.#fetch(key).finally(() => underWay.delete(key)).then(() => this.ensure(key))
      underWay.set(key, fetching)
    }
    return fetching
  }

  /** Asks all the members for the key's records, whatever was compared. Results in whom these would ask. */
  async fetchFrom(members: readonly Member[], key: Id): Promise<Member[]> {
    return (await Promise.all(members.map((member) => this.#pull(member, key)))).flat()
  }

  #beginAnew(changes: number): void {
    this.#changes = changes
    this.#fresh = new Set()
    this.#underWay = new Map()
  }

  /** From lead to lead, until nobody is named who was not asked. */
  async #fetch(key: Id): Promise<void> {
    const { custodian } = this.#components
    const { changes } = custodian.custody
    const asked = new Set<PeerId>([custodian.self.peerId])
    let next = unsettledFor(custodian.custody, key)
    for (let depth = 0; next.length > 0 && depth < maxDepth; depth++) {
      for (const { peerId } of next) asked.add(peerId)
      const leads = new Map((await this.fetchFrom(next, key)).map((member) => [member.peerId, member]))
      const { custody } = custodian
      if (custody.changes !== changes) return
      next = [...leads.values()]
        .filter(({ peerId }) => !asked.has(peerId) && !isSettledFor(custody, peerId, key))
        .slice(0, Math.max(0, maxAsked - asked.size))
    }
    if (this.#fresh.size >= maxFreshKeys) this.#fresh.clear()
    this.#fresh.add(key)
  }

  async #pull(member: Member, key: Id): Promise<Member[]> {
    try {
      return await this.#components.transfer.pull(member, [key])
    } catch (error) {
      this.#components.custodian.onFailure(member, error)
      return []
    }
  }
}
