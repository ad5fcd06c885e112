/**
 * All that others know of one key: from those to whom its comparison is owed,
 * and from whom these name in turn.
 *
 * All are asked at once, and whoever comes into question later as soon as it
 * does. An answer counts for good, whatever changes around this peer, unless
 * the question was put before the debt began.
 */
import type { PeerId } from "../link/link.ts"
import type { Custodian } from "./custodian.ts"
import type { Custody } from "./custody.ts"
import { isSettledFor, unsettledFor } from "./custody.ts"
import type { Id } from "./id.ts"
import type { KeyRange, Member } from "./key-based-routing.ts"

/** Peers asked for one key, and how far from lead to lead. */
const maxAsked = 64
const maxDepth = 8

/** Sees the surroundings as they are at each moment. */
export type Surveyor = Pick<Custodian, "custody" | "self">

/** Fetches a key's records from a member; results in whom that one would ask. Never rejects. */
export type Pull = (member: Member, key: Id) => Promise<readonly Member[]>

/** See the head of this file. */
export class Inquiry {
  readonly #custodian: Surveyor
  readonly #pull: Pull
  readonly #key: Id
  readonly #ranges: readonly KeyRange[]
  /** As of which change of the surroundings each was asked, and has answered or failed. */
  readonly #answers = new Map<PeerId, number>()
  readonly #underWay = new Map<PeerId, number>()
  readonly #leads = new Map<PeerId, Member>()
  readonly #depths = new Map<PeerId, number>()
  #waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  constructor(components: { readonly custodian: Surveyor; readonly pull: Pull }, key: Id) {
    this.#custodian = components.custodian
    this.#pull = components.pull
    this.#key = key
    this.#ranges = components.custodian.custody.ranges
  }

  /** Resolves when nobody is left to wait for; `undefined` when that is so already. */
  made(): Promise<void> | undefined {
    if (this.#waiting !== undefined) return this.#waiting.promise
    if (this.#goOn()) return undefined
    this.#waiting = Promise.withResolvers<void>()
    return this.#waiting.promise
  }

  /** Asks whoever is still to be asked; true when nobody is left, or this peer answers for other keys than before: that is another inquiry. */
  #goOn(): boolean {
    const { custody } = this.#custodian
    if (custody.ranges !== this.#ranges) return true
    let isMade = true
    for (const member of this.#dueOf(custody)) {
      if (!this.#underWay.has(member.peerId) && this.#answers.size + this.#underWay.size >= maxAsked) continue
      isMade = false
      if (!this.#underWay.has(member.peerId)) void this.#ask(member, custody.changes)
    }
    return isMade
  }

  #dueOf(custody: Custody): Member[] {
    const owed = unsettledFor(custody, this.#key, (peerId) => this.#answers.get(peerId) ?? -1)
    const named = [...this.#leads.values()].filter(({ peerId }) => !this.#answers.has(peerId) && !owed.some((member) => member.peerId === peerId))
    return [...owed, ...named]
  }

  async #ask(member: Member, asOf: number): Promise<void> {
    const { peerId } = member
    this.#underWay.set(peerId, asOf)
    const named = await this.#pull(member, this.#key)
    this.#underWay.delete(peerId)
    this.#answers.set(peerId, asOf)
    this.#follow(named, (this.#depths.get(peerId) ?? 0) + 1)
    if (!this.#goOn()) return
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  #follow(named: readonly Member[], depth: number): void {
    const { custody, self } = this.#custodian
    if (depth >= maxDepth) return
    for (const member of named) {
      const { peerId } = member
      if (peerId === self.peerId || this.#answers.has(peerId) || this.#leads.has(peerId) || isSettledFor(custody, peerId, this.#key)) continue
      this.#leads.set(peerId, member)
      this.#depths.set(peerId, depth)
    }
  }
}
