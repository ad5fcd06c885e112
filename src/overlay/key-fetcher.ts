/**
 * Fetches single keys that are asked for before their range was compared: see
 * `inquiry.ts`.
 */
import type { Custodian } from "./custodian.ts"
import { unsettledFor } from "./custody.ts"
import type { Id } from "./id.ts"
import { Inquiry } from "./inquiry.ts"
import type { KeyRange, Member } from "./key-based-routing.ts"
import type { Transfer } from "./transfer.ts"

export interface KeyFetcherComponents {
  readonly custodian: Custodian
  readonly transfer: Transfer
}

const maxInquiries = 65_536

/** See the head of this file. */
export class KeyFetcher {
  readonly #components: KeyFetcherComponents
  /** Of keys of these ranges: a key that was given up and came back is asked for anew. */
  #ranges: readonly KeyRange[] = []
  readonly #inquiries = new Map<Id, Inquiry>()

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
    if (custody.ranges !== this.#ranges || custodian.isSettled) this.#beginAnew(custody.ranges)
    if (custodian.isSettled || unsettledFor(custody, key).length === 0) return undefined
    let inquiry = this.#inquiries.get(key)
    if (inquiry === undefined) {
      if (this.#inquiries.size >= maxInquiries) this.#inquiries.clear()
      inquiry = new Inquiry({ custodian, pull: this.#pull }, key)
      this.#inquiries.set(key, inquiry)
    }
    // Should the key be lost and come back on the way, there is more to ask.
    return inquiry.made()?.then(() => this.ensure(key))
  }

  /** Asks all the members for the key's records, whatever was compared. */
  async fetchFrom(members: readonly Member[], key: Id): Promise<void> {
    await Promise.all(members.map((member) => this.#pull(member, key)))
  }

  #beginAnew(ranges: readonly KeyRange[]): void {
    this.#ranges = ranges
    if (this.#inquiries.size > 0) this.#inquiries.clear()
  }

  readonly #pull = async (member: Member, key: Id): Promise<Member[]> => {
    try {
      return await this.#components.transfer.pull(member, [key])
    } catch (error) {
      this.#components.custodian.onFailure(member, error)
      return []
    }
  }
}
