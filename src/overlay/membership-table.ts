/**
 * Who is in the overlay, as far as one peer has heard: plain data and how two
 * such tables merge.
 *
 * An entry is dated by its subject's incarnation, which only the subject
 * raises: when it starts, and when it has to refute a report of its own death.
 * Within one incarnation "left" and "dead" outweigh "alive", so that the dead
 * do not rise again; a restarted peer returns by a later incarnation (the rule
 * of SWIM: Das, Gupta and Motivala, 2002). So merging is commutative,
 * associative and idempotent, and tables that exchange entries in any order
 * come to agree.
 *
 * All of it is hearsay: whoever acts on an entry asks the peer itself.
 */
import type { PeerId } from "../link/link.ts"
import type { Random } from "../runtime/runtime.ts"
import type { Id } from "./id.ts"
import type { Member } from "./key-based-routing.ts"

/** What is said of a member; the number is its weight within one incarnation, and its form on the wire. */
export const memberStatuses = { alive: 0, dead: 1, left: 2 } as const

export type MemberStatus = keyof typeof memberStatuses

export interface MembershipEntry {
  readonly member: Member
  readonly status: MemberStatus
  /** A whole number in [0, {@link maxIncarnation}]. */
  readonly incarnation: number
}

/** Milliseconds since 1970 stay below this for 140,000 years; refutations have room above. */
export const maxIncarnation = 2 ** 52

/** Buckets by the first six bits of the id, each with a digest of its live entries. */
export const bucketCount = 64

/** See the head of this file. */
export class MembershipTable {
  readonly #maxMembers: number
  readonly #entries = new Map<PeerId, MembershipEntry>()
  /** Live members by id, this peer included. */
  readonly #alive: Member[] = []
  /** Those that left or died, longest ago first. */
  readonly #gone = new Map<PeerId, MembershipEntry>()
  readonly #digests = new Uint32Array(bucketCount)
  #self: MembershipEntry
  #isOverfull = false

  constructor(self: Member, incarnation: number, maxMembers: number) {
    this.#maxMembers = maxMembers
    this.#self = { member: self, status: "alive", incarnation }
    this.#put(this.#self)
  }

  /** Takes in the members that start an overlay together, in the order of their ids; false if they are too many. */
  fill(members: readonly Member[]): boolean {
    if (members.length > this.#maxMembers) {
      this.#isOverfull = true
      return false
    }
    this.#alive.length = 0
    this.#digests.fill(0)
    for (const member of members) {
      const entry: MembershipEntry = member.peerId === this.#self.member.peerId ? this.#self : foundingEntryOf(member)
      this.#entries.set(member.peerId, entry)
      this.#alive.push(member)
      this.#toggleDigest(entry)
    }
    return true
  }

  /** Knows nobody else any more. */
  forgetOthers(): void {
    this.#entries.clear()
    this.#gone.clear()
    this.#alive.length = 0
    this.#digests.fill(0)
    this.#put(this.#self)
  }

  /** This peer's own entry. */
  get self(): MembershipEntry {
    return this.#self
  }

  /** This peer begins a new life: with other addresses perhaps, and an incarnation no earlier than any before. */
  renew(self: Member, incarnation: number): void {
    this.#self = { member: self, status: "alive", incarnation: Math.max(incarnation, this.#self.incarnation + 1) }
    this.#put(this.#self)
  }

  /** Live members in the order of their ids, this peer included. */
  get alive(): readonly Member[] {
    return this.#alive
  }

  /** Members that left or died, longest ago first. */
  get gone(): Iterable<MembershipEntry> {
    return this.#gone.values()
  }

  /** Whether the overlay is larger than the table, as far as can be told. */
  get isOverfull(): boolean {
    return this.#isOverfull
  }

  /** Whether it is, and has no room for more to speak of either. */
  get isFull(): boolean {
    return this.#isOverfull && !this.#hasRoom
  }

  /**
   * Called when the table agrees with another's without having been compared with it, which makes any two agree: it holds
   * everybody again, if there is ample room in it.
   */
  clearOverfull(): void {
    if (this.#hasRoom) this.#isOverfull = false
  }

  /** Some more than none, so that an overlay of just that size does not change its mind with each member. */
  get #hasRoom(): boolean {
    return this.#alive.length < 0.9 * this.#maxMembers
  }

  /** Fingerprint of the live entries of each bucket. */
  get bucketDigests(): Uint32Array {
    return this.#digests
  }

  /** Fingerprint of all live entries. */
  get digest(): number {
    let all = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) all = mix(all ^ (this.#digests[bucket] ?? 0), bucket)
    return all
  }

  get(peerId: PeerId): MembershipEntry | undefined {
    return this.#entries.get(peerId)
  }

  isAlive(peerId: PeerId): boolean {
    return this.#entries.get(peerId)?.status === "alive"
  }

  /** Takes in what another says. Returns the entry that is new here, if any: this peer's refutation if it was the subject. */
  merge(entry: MembershipEntry): MembershipEntry | undefined {
    if (entry.incarnation > maxIncarnation) return undefined
    if (entry.member.peerId === this.#self.member.peerId) return this.#refute(entry)
    const known = this.#entries.get(entry.member.peerId)
    if (known !== undefined && !outweighs(entry, known)) return undefined
    if (entry.status === "alive" && known?.status !== "alive" && this.#alive.length >= this.#maxMembers) {
      this.#isOverfull = true
      return undefined
    }
    this.#put(entry)
    return entry
  }

  /** Records that a live member left or died in its present incarnation. */
  report(peerId: PeerId, status: "dead" | "left"): MembershipEntry | undefined {
    const known = this.#entries.get(peerId)
    return known?.status === "alive" ? this.merge({ ...known, status }) : undefined
  }

  /** Says farewell: this peer's entry, as others shall see it. */
  leave(): MembershipEntry {
    return { ...this.#self, status: "left" }
  }

  /** All entries, live and gone, by bucket. */
  byBucket(): MembershipEntry[][] {
    const buckets = Array.from({ length: bucketCount }, (): MembershipEntry[] => [])
    for (const entry of this.#entries.values()) buckets[bucketOf(entry.member.id)]?.push(entry)
    return buckets
  }

  /** Where in {@link alive} the first member at or after the key stands, clockwise. */
  indexOf(key: Id): number {
    const at = this.#lowerBound(key)
    return at === this.#alive.length ? 0 : at
  }

  /** Up to `count` live members clockwise from the key on, except those excluded. */
  successorsOf(key: Id, count: number, excluded?: ReadonlySet<PeerId>): Member[] {
    return this.#walk(this.indexOf(key), 1, count, excluded)
  }

  /** Up to `count` live members counter-clockwise before the key, nearest first, except those excluded. */
  predecessorsOf(key: Id, count: number, excluded?: ReadonlySet<PeerId>): Member[] {
    return this.#walk(this.indexOf(key) - 1 + this.#alive.length, -1, count, excluded)
  }

  /** A live member other than this peer, at random. */
  randomMember(random: Random): Member | undefined {
    const others = this.#alive.length - 1
    if (others < 1) return undefined
    const self = this.#lowerBound(this.#self.member.id)
    const at = random.uint32() % others
    return this.#alive[at < self ? at : at + 1]
  }

  /** A few live members other than this peer, at random. */
  randomMembers(random: Random, count: number): Set<Member> {
    const chosen = new Set<Member>()
    for (let tries = 0; tries < 2 * count && chosen.size < count; tries++) {
      const member = this.randomMember(random)
      if (member !== undefined) chosen.add(member)
    }
    return chosen
  }

  #walk(start: number, step: 1 | -1, count: number, excluded: ReadonlySet<PeerId> | undefined): Member[] {
    const found: Member[] = []
    const total = this.#alive.length
    for (let walked = 0; walked < total && found.length < count; walked++) {
      const member = this.#alive[(start + step * walked + total) % total]
      if (member !== undefined && excluded?.has(member.peerId) !== true) found.push(member)
    }
    return found
  }

  /** Somebody has a wrong or outdated idea of this peer: a later incarnation sets it right. */
  #refute(entry: MembershipEntry): MembershipEntry | undefined {
    const own = this.#self
    if (entry.incarnation < own.incarnation || !outweighs(entry, own)) return undefined
    if (entry.incarnation >= maxIncarnation) return undefined
    this.#self = { ...own, incarnation: entry.incarnation + 1 }
    this.#put(this.#self)
    return this.#self
  }

  #put(entry: MembershipEntry): void {
    const { member } = entry
    const known = this.#entries.get(member.peerId)
    if (known?.status === "alive") this.#removeAlive(known)
    this.#gone.delete(member.peerId)
    this.#entries.set(member.peerId, entry)
    if (entry.status === "alive") this.#insertAlive(entry)
    else this.#bury(entry)
  }

  #insertAlive(entry: MembershipEntry): void {
    this.#alive.splice(this.#lowerBound(entry.member.id), 0, entry.member)
    this.#toggleDigest(entry)
  }

  #removeAlive(entry: MembershipEntry): void {
    this.#alive.splice(this.#lowerBound(entry.member.id), 1)
    this.#toggleDigest(entry)
  }

  #bury(entry: MembershipEntry): void {
    this.#gone.set(entry.member.peerId, entry)
    if (this.#gone.size <= this.#maxMembers) return
    for (const oldest of this.#gone.keys()) {
      this.#gone.delete(oldest)
      this.#entries.delete(oldest)
      return
    }
  }

  #toggleDigest({ member, incarnation }: MembershipEntry): void {
    const place = parseInt(member.id.slice(0, 8), 16)
    const bucket = bucketOf(member.id)
    const high = Math.floor(incarnation / 0x1_0000_0000)
    this.#digests[bucket] = (this.#digests[bucket] ?? 0) ^ mix(mix(place, incarnation), high)
  }

  /** How many live members have an id below `id`. */
  #lowerBound(id: Id): number {
    let low = 0
    let high = this.#alive.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#alive[middle]?.id ?? id) < id) low = middle + 1
      else high = middle
    }
    return low
  }
}

const foundingEntries = new WeakMap<Member, MembershipEntry>()

/** One object for all founders in a process. */
function foundingEntryOf(member: Member): MembershipEntry {
  let entry = foundingEntries.get(member)
  if (entry === undefined) foundingEntries.set(member, (entry = { member, status: "alive", incarnation: 0 }))
  return entry
}

/** The bucket of an id. */
export function bucketOf(id: Id): number {
  return parseInt(id.slice(0, 2), 16) >>> 2
}

/** Whether `entry` replaces `known`. Addresses decide the last ties, only so that everybody decides alike. */
export function outweighs(entry: MembershipEntry, known: MembershipEntry): boolean {
  if (entry.incarnation !== known.incarnation) return entry.incarnation > known.incarnation
  if (entry.status !== known.status) return memberStatuses[entry.status] > memberStatuses[known.status]
  return entry.member !== known.member && entry.member.addresses.join() > known.member.addresses.join()
}

/** A well-mixing hash step over 32 bits (the finalizer of MurmurHash3). */
function mix(state: number, value: number): number {
  let hash = Math.imul(state ^ (value | 0), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
