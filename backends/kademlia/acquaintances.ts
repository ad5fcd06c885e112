/**
 * Whom a peer knows, and how it comes to know and to forget them.
 *
 * Only who has answered, or asked something itself, counts as known: as sibling
 * if it is close enough, as contact in the buckets. Whom others name is asked
 * first. Whom nobody hears is pinged, and forgotten if that goes unanswered.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import { idOfPeer } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import { MissedPeers } from "../../src/overlay/missed-peers.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import { ContactTable } from "./contact-table.ts"
import type { LookupResult } from "./lookup.ts"
import { lookUp } from "./lookup.ts"
import { LostPeers } from "../../src/overlay/lost-peers.ts"
import type { AnnouncedDetails, AnnouncementAnswer } from "./messages.ts"
import { maxShortIds, shortIdDigits } from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { KademliaSettings } from "./options.ts"
import type { Siblings } from "./siblings.ts"
import type { HeardList } from "./told-lists.ts"
import { ToldLists, digestOf } from "./told-lists.ts"
import { Verdicts } from "./verdicts.ts"
import { closestInOrder, closestOf, commonPrefixBits, randomIdInBucket, selectClosest } from "./xor.ts"

export interface AcquaintancesComponents {
  readonly runtime: Runtime
  readonly client: NeighbourClient
  readonly siblings: Siblings
  readonly membership: Membership
  /** This peer, with its present addresses. */
  readonly self: () => Member
}

const nobody: ReadonlySet<PeerId> = new Set()
const nobodyElse: readonly Member[] = []
/** Announcements to members that others named, under way at once, and waiting. */
const maxPursuits = 4
const maxWaiting = 64
const maxChecks = 64
const maxIncomplete = 256

/** See the head of this file. */
export class Acquaintances {
  /** What announcements need not repeat. */
  readonly lists = new ToldLists()
  readonly verdicts: Verdicts
  readonly missed: MissedPeers
  readonly #components: AcquaintancesComponents
  readonly #settings: KademliaSettings
  readonly #self: Id
  readonly #contacts: ContactTable
  readonly #lost: LostPeers
  readonly #announcing = new Map<PeerId, Promise<Outcome<AnnouncementAnswer>>>()
  readonly #waiting = new Map<PeerId, Member>()
  readonly #checking = new Set<PeerId>()
  /** Members that have not got the records of their keys yet. */
  readonly #incomplete = new Set<PeerId>()
  #announced: (AnnouncedDetails & { readonly digest: string; readonly siblings: readonly Member[]; readonly doubtful: string }) | undefined
  #pursuits = 0
  #isCompleting = false

  constructor(components: AcquaintancesComponents, settings: KademliaSettings) {
    this.#components = components
    this.#settings = settings
    this.#self = components.self().id
    this.#contacts = new ContactTable(this.#self, settings.k)
    this.#lost = new LostPeers(components.runtime)
    this.missed = new MissedPeers(components.runtime)
    this.verdicts = new Verdicts(this.#lost, components.runtime.random)
  }

  /** All members are known to live, in the order of their ids: the buckets take their share of them. */
  fill(members: readonly Member[]): void {
    const { runtime, membership } = this.#components
    const nearest = closestInOrder(this.#self, members, 2).at(-1)
    const deepest = nearest === undefined ? 0 : commonPrefixBits(this.#self, nearest.id)
    for (let bits = 0; bits <= deepest; bits++) {
      const there = closestInOrder(randomIdInBucket(this.#self, bits, runtime.random), members, this.#settings.k)
      // A bucket may be smaller than k: the others are in another one.
      for (const member of there) {
        if (commonPrefixBits(this.#self, member.id) !== bits) continue
        this.#contacts.heard(member, runtime.now())
        membership.meet(member)
      }
    }
  }

  get contacts(): ContactTable {
    return this.#contacts
  }

  isDoubtful(peerId: PeerId): boolean {
    return this.#lost.isDoubtful(peerId)
  }

  /**
   * A peer that answers for keys has given a sign of life. The table of all members learns of it, be it ever so far: did
   * it hear of siblings alone, a subtree in which each is everybody's sibling would agree that it is the whole overlay.
   */
  heardActive(member: Member): void {
    this.heard(member)
    if (member.id !== this.#self) this.#components.membership.meet(member)
  }

  /** A peer that answers for keys, or is about to, has given a sign of life. */
  heard(member: Member): void {
    if (member.id === this.#self) return
    this.#lost.forgive(member.peerId)
    this.#components.siblings.add(member)
    const oldest = this.#contacts.heard(member, this.#components.runtime.now())
    // Only if it is dead may the newcomer have its place.
    if (oldest !== undefined) this.suspect(oldest.peerId)
  }

  /** A peer announces itself. What it has to be told if it was taken for dead; else 0. */
  heardAnnouncement(member: Member, { isActive, isComplete }: { readonly isActive: boolean; readonly isComplete: boolean }): number {
    if (isActive) this.heardActive(member)
    else this.heard(member)
    this.#note(member, isComplete)
    this.#lost.telling(member.peerId)
    return this.verdicts.on(member.peerId)
  }

  /** Whether a peer has the records of its keys, as far as it has said. */
  #note({ peerId }: Member, isComplete: boolean): void {
    if (isComplete) this.#incomplete.delete(peerId)
    else if (this.#incomplete.size < maxIncomplete) this.#incomplete.add(peerId)
  }

  /** Whom a joiner should ask and tell: the closest members that have their records; the closest of all, where nobody has. */
  closestComplete(key: Id, count: number, asker: PeerId): Member[] {
    const complete = this.closest(key, count, new Set([asker, ...this.#incomplete]))
    return complete.length > 0 ? complete : this.closest(key, count, new Set([asker]))
  }

  /** A peer that joins again has ended its earlier life. */
  forgetEarlierLife(peerId: PeerId): void {
    const member = this.#find(peerId)
    if (member === undefined) return
    this.#contacts.remove(member)
    this.#incomplete.delete(peerId)
    if (this.#components.siblings.remove(peerId)) this.#pursueClosest()
  }

  /** Tells a member of this peer, and hears from it whom else to know. */
  announce(member: Member): Promise<Outcome<AnnouncementAnswer>> {
    const running = this.#announcing.get(member.peerId)
    if (running !== undefined) return running
    const announcing = this.#announce(member).finally(() => this.#announcing.delete(member.peerId))
    this.#announcing.set(member.peerId, announcing)
    return announcing
  }

  async #announce(member: Member): Promise<Outcome<AnnouncementAnswer>> {
    const { client, siblings, self } = this.#components
    const verdict = this.verdicts.on(member.peerId)
    const details = this.#details(self())
    const said = { isActive: siblings.presence === "active", isComplete: siblings.isComplete, verdict, digest: details.digest }
    let isTold = this.lists.isTold(member, details.digest)
    let outcome = await client.announce(member, { ...said, details: isTold ? undefined : details })
    if (isTold && outcome.kind === "answered" && outcome.answer.wantsDetails) {
      isTold = false
      outcome = await client.announce(member, { ...said, details })
    }
    if (siblings.presence === "absent") return { kind: "unclear" }
    if (outcome.kind === "dead") this.remove(member, "dead")
    if (outcome.kind !== "answered") return outcome
    if (!isTold) this.lists.confirm(member, details.digest)
    if (this.verdicts.isNew(member.peerId, outcome.answer.verdict)) siblings.renew()
    if (verdict !== 0) this.#lost.telling(member.peerId)
    if (outcome.answer.isActive) this.heardActive(member)
    else this.heard(member)
    this.#note(member, outcome.answer.isComplete)
    this.pursue(outcome.answer.members)
    return outcome
  }

  /** What this peer announces of itself; worked out anew only where something of it has changed. */
  #details(self: Member): AnnouncedDetails & { readonly digest: string } {
    const { members } = this.#components.siblings
    const doubtful = this.#lost.doubtfulIds
    const last = this.#announced
    if (last?.siblings === members && last.doubtful === doubtful.join() && last.member.addresses.join() === self.addresses.join()) return last
    const known = [...members.map(({ id }) => id), ...doubtful].slice(0, maxShortIds).map((id) => id.slice(0, shortIdDigits))
    this.#announced = { member: self, known, digest: digestOf(self, known), siblings: members, doubtful: doubtful.join() }
    return this.#announced
  }

  /** Members close to an announcer whom it does not list. */
  closeToAnnouncer(heard: HeardList): readonly Member[] {
    const { siblings } = this.#components
    const state = siblings.changes + this.#contacts.changes
    if (heard.quietAt === state) return nobodyElse
    const { id, peerId } = heard.member
    // If it lists this peer, that is one of its siblings.
    const isListed = heard.known.has(this.#self.slice(0, shortIdDigits))
    const close = this.closestHeard(id, siblings.capacity - (isListed ? 1 : 0), new Set([peerId]))
    const members = close.filter((member) => !heard.known.has(member.id.slice(0, shortIdDigits)))
    // Whom it was told of it may not have heard: it is told again, until it lists them.
    if (members.length === 0) heard.quietAt = state
    return members
  }

  /** Others have named these: those that would be siblings are asked. */
  pursue(members: readonly Member[]): void {
    for (const member of members) {
      if (this.#waiting.size < maxWaiting && this.#isWorthPursuing(member)) this.#waiting.set(member.peerId, member)
    }
    while (this.#pursuits < maxPursuits) {
      const next = this.#waiting.values().next().value
      if (next === undefined) break
      this.#waiting.delete(next.peerId)
      if (!this.#isWorthPursuing(next)) continue
      this.#pursuits++
      void this.announce(next).finally(() => {
        this.#pursuits--
        this.pursue([])
      })
    }
    if (this.#pursuits === 0) void this.#completeSiblings()
  }

  #isWorthPursuing({ id, peerId }: Member): boolean {
    const { siblings } = this.#components
    if (siblings.presence !== "active" || siblings.find(peerId) !== undefined) return false
    return siblings.wouldFit(id) && !this.isDoubtful(peerId)
  }

  /** A member may be dead, as far as somebody says: find out. */
  suspect(peerId: PeerId): void {
    const { client, siblings } = this.#components
    const member = this.#find(peerId)
    if (member === undefined || member.id === this.#self || siblings.presence === "absent") return
    if (this.#checking.has(peerId) || this.#checking.size >= maxChecks) return
    this.#checking.add(peerId)
    void client.ping(member).then((outcome) => {
      this.#checking.delete(peerId)
      if (siblings.presence === "absent") return
      if (outcome.kind === "dead") this.remove(member, "dead")
      if (outcome.kind !== "answered") return
      this.heard(member)
      // It was taken for dead wrongly before.
      if (this.#lost.has(peerId)) void this.announce(member)
    })
  }

  /** A member is dead, or has said that it leaves. */
  remove(member: Member, why: "dead" | "left"): void {
    const { client, siblings, membership } = this.#components
    this.#lost.add(member)
    if (why === "dead") this.missed.lose(member)
    client.giveUp(member.peerId)
    this.lists.forget(member)
    membership.report(member.peerId, why)
    this.#contacts.remove(member)
    this.#incomplete.delete(member.peerId)
    if (!siblings.remove(member.peerId) || siblings.presence !== "active") return
    // Each of the others takes over its own part, and has to find out itself.
    if (why === "dead") for (const other of siblings.neighbours) client.lost(other, member)
    this.#pursueClosest()
  }

  #pursueClosest(): void {
    this.pursue(this.closest(this.#self, 2 * this.#settings.k))
  }

  /** Looks whether there are others to take the places of siblings that were lost, once whoever was known by name has been asked. */
  async #completeSiblings(): Promise<void> {
    const { siblings } = this.#components
    if (this.#isCompleting || !siblings.isUncertain || siblings.presence !== "active") return
    this.#isCompleting = true
    const { closest } = await this.lookUp(this.#self)
    this.#isCompleting = false
    if (closest.length < siblings.capacity) siblings.acceptShort()
    else this.pursue(closest)
  }

  /** Hearsay that a member lives. */
  hearAlive(member: Member): void {
    this.#lost.forgive(member.peerId)
    this.pursue([member])
  }

  /** The members closest to the key that have been heard themselves. */
  closestHeard(key: Id, count: number, excluded: ReadonlySet<PeerId> = nobody): Member[] {
    const { siblings } = this.#components
    const known = [...siblings.members, ...this.#contacts.closest(key, count + excluded.size)]
    return closestOf(key, known.filter(({ peerId }) => !excluded.has(peerId)), count)
  }

  /** The same, with those that are known by hearsay. */
  closest(key: Id, count: number, excluded: ReadonlySet<PeerId> = nobody): Member[] {
    return closestOf(key, [...this.closestHeard(key, count, excluded), ...this.#rumoured(key, count, excluded)], count)
  }

  /** The one closest member to ask about a key; see {@link closest}. */
  next(key: Id, excluded: ReadonlySet<PeerId> = nobody): Member | undefined {
    const { siblings, membership } = this.#components
    const near = siblings.members.filter(({ peerId }) => !excluded.has(peerId))
    // Whoever knows all members needs no buckets.
    const known = membership.isComplete ? near : [...near, ...this.#contacts.closest(key, 1 + excluded.size).filter(({ peerId }) => !excluded.has(peerId))]
    return selectClosest(key, [...known, ...this.#rumoured(key, 1, excluded)], 1)[0]
  }

  #rumoured(key: Id, count: number, excluded: ReadonlySet<PeerId>): Member[] {
    const all = closestInOrder(key, this.#components.membership.table.alive, count + 1, excluded)
    return all.filter(({ id, peerId }) => id !== this.#self && !this.isDoubtful(peerId)).slice(0, count)
  }

  /** The members that are closest to a key, each of which has just answered. */
  lookUp(key: Id, starts?: readonly Member[], signal?: AbortSignal): Promise<LookupResult> {
    // Who looks for its own place needs all its siblings.
    const k = key === this.#self ? Math.max(this.#settings.k, this.#components.siblings.capacity) : this.#settings.k
    const ask = (member: Member): Promise<Outcome<readonly Member[]>> => this.ask(member, key, k)
    const from = starts ?? this.closest(key, Math.max(this.#settings.alpha, this.#settings.disjointPaths))
    return lookUp({ self: this.#self, ask, signal }, key, from, { ...this.#settings, k })
  }

  /** Asks one peer for the members that it knows to be closest to a key. */
  async ask(member: Member, key: Id, count: number): Promise<Outcome<readonly Member[]>> {
    const { client, siblings, self } = this.#components
    const asker = siblings.presence === "active" ? self() : undefined
    const outcome = await client.find(member, { key, count, asker })
    if (siblings.presence === "absent") return { kind: "unclear" }
    if (outcome.kind === "answered") this.heard(member)
    if (outcome.kind === "dead") this.remove(member, "dead")
    return outcome
  }

  #find(peerId: PeerId): Member | undefined {
    const { siblings, membership } = this.#components
    return siblings.find(peerId) ?? this.#contacts.get(peerId, idOfPeer(peerId)) ?? membership.table.get(peerId)?.member
  }
}
