/**
 * Keeps this peer's copy of what it owns complete, and its replicas' copies
 * like its own: hand-over and repair in one.
 *
 * Whatever is owed (`custody.ts`) is compared in the background, one member
 * after another; those that should hold copies come first, and are brought up
 * to date as well. One mechanism for a join, a crash and a healed partition.
 */
import type { PeerId } from "../link/link.ts"
import type { Runtime, Timer } from "../runtime/runtime.ts"
import type { Custodian } from "./custodian.ts"
import { compared, nothingOwed } from "./custody.ts"
import type { KeyBasedRouting, KeyRange, Member } from "./key-based-routing.ts"
import type { Replication } from "./replication.ts"
import type { Transfer } from "./transfer.ts"

export interface SynchroniserOptions {
  /** Mean time between comparisons with each replica. @default 30000 */
  readonly repairIntervalMs?: number | undefined
}

export const synchroniserDefaults = { repairIntervalMs: 30_000 }

export interface SynchroniserComponents {
  readonly runtime: Runtime
  readonly routing: KeyBasedRouting
  readonly replication: Replication
  readonly transfer: Transfer
  readonly custodian: Custodian
}

/** How a comparison is made. */
interface LevelOptions {
  /** Members beyond the replica sets that get copies. */
  readonly extra?: number
  readonly signal?: AbortSignal | undefined
  /** Called with each page that the member has answered. */
  readonly onAnswer?: () => void
}

/** Pages of one comparison before it counts as failed: nobody shall keep this peer busy for ever. */
const maxPages = 4096
const retryMs = 1_000
/** A comparison that has not been answered for so long holds the next one up no more: the other may be dead. */
const holdUpMs = 500
const maxComparisons = 8

/** See the head of this file. */
export class Synchroniser {
  readonly #components: SynchroniserComponents
  readonly #custodian: Custodian
  readonly #repairIntervalMs: number
  /** Replicas that were brought up to date since the surroundings last changed, and as of which change. */
  readonly #copied = new Set<PeerId>()
  #copiedAsOf = 0
  /** Silent neighbours that are to be tried once more. */
  readonly #retried = new Set<PeerId>()
  /** Those with whom a comparison has just failed, though they are not taken for silent. */
  readonly #postponed = new Set<PeerId>()
  /** Those with whom a comparison is under way. */
  readonly #underWay = new Set<PeerId>()
  /** Whether one of these comparisons holds the next one up. */
  #isHeldUp = false
  #isStopped = false
  #repairTimer: Timer | undefined
  #retryTimer: Timer | undefined
  #removeListener: (() => void) | undefined

  constructor(components: SynchroniserComponents, options: SynchroniserOptions = {}) {
    this.#components = components
    this.#custodian = components.custodian
    this.#repairIntervalMs = options.repairIntervalMs ?? synchroniserDefaults.repairIntervalMs
  }

  /** Begins to follow the routing; call it before it joins. */
  start(): void {
    this.#removeListener = this.#components.routing.onChange(() => {
      // Also while at work: ranges are taken back for an instant where everything in them is to be looked at anew.
      void this.#custodian.custody
      // A neighbour may have become a replica without anything else having changed.
      this.#copied.clear()
      this.#work()
    })
    this.#repairLater()
  }

  stop(): void {
    this.#isStopped = true
    this.#custodian.stop()
    this.#removeListener?.()
    this.#repairTimer?.cancel()
    this.#retryTimer?.cancel()
  }

  /** Resolves when every key of this peer is settled; rejects when the signal fires. */
  settled(signal: AbortSignal): Promise<void> {
    this.#work()
    return this.#custodian.settled(signal)
  }

  /** An overlay has only begun: no neighbour has any records. */
  assumeSettled(): void {
    this.#custodian.become(nothingOwed(this.#custodian.custody))
    this.#forgetOutdatedCopies()
    for (const { peerId } of this.holders(0)) this.#copied.add(peerId)
  }

  /** Whether the member was brought up to date since the surroundings last changed. */
  isCopied(peerId: PeerId): boolean {
    this.#forgetOutdatedCopies()
    return this.#copied.has(peerId)
  }

  /** All replicas are to be compared once more. */
  forgetCopies(): void {
    this.#copied.clear()
  }

  #forgetOutdatedCopies(): void {
    const { changes } = this.#custodian.custody
    if (changes === this.#copiedAsOf) return
    this.#copiedAsOf = changes
    this.#copied.clear()
  }

  /** Members that hold copies of what this peer owns, `extra` more than there should be copies. */
  holders(extra: number): Member[] {
    const { routing, replication } = this.#components
    const told = replication.replicas(extra)
    if (told !== undefined) return [...told]
    const holders = new Map<PeerId, Member>()
    for (const range of this.#custodian.custody.ranges) {
      for (const key of [range.to, range.from]) {
        for (const member of replication.replicaSet(key, extra)) holders.set(member.peerId, member)
      }
    }
    holders.delete(routing.self.peerId)
    return [...holders.values()]
  }

  /** Whom to compare with next, and what: first what is owed, to those who should have copies before all others. */
  #nextToCompare(): { readonly member: Member; readonly ranges: readonly KeyRange[] } | undefined {
    const { sources, ranges } = this.#custodian.custody
    const isDue = (peerId: PeerId): boolean =>
      !this.#postponed.has(peerId) && !this.#underWay.has(peerId) && (sources.get(peerId)?.isSilent !== true || this.#retried.has(peerId))
    const holders = this.holders(0).filter(({ peerId }) => isDue(peerId))
    const stale = holders.filter(({ peerId }) => !this.isCopied(peerId))
    const creditors = [...sources.values()].filter(({ member, owed }) => owed.length > 0 && isDue(member.peerId))
    const creditor = creditors.find(({ member }) => holders.some(({ peerId }) => peerId === member.peerId)) ?? creditors[0]
    if (creditor === undefined) return stale[0] === undefined ? undefined : { member: stale[0], ranges }
    const { member, owed } = creditor
    return { member, ranges: stale.some(({ peerId }) => peerId === member.peerId) ? ranges : owed.map(({ range }) => range) }
  }

  /**
   * Compares with one member after another, so that nothing comes twice; but
   * whoever does not answer soon is passed by, and may answer later.
   */
  #work(): void {
    while (!this.#isStopped && !this.#isHeldUp && this.#underWay.size < maxComparisons) {
      const next = this.#nextToCompare()
      if (next === undefined) return
      this.#begin(next.member, next.ranges)
    }
  }

  #begin(member: Member, ranges: readonly KeyRange[]): void {
    const { runtime } = this.#components
    const { peerId } = member
    this.#retried.delete(peerId)
    this.#underWay.add(peerId)
    this.#isHeldUp = true
    let holdsUp = true
    const passBy = (): void => {
      if (holdsUp) this.#isHeldUp = false
      holdsUp = false
    }
    const patience = runtime.setTimer(holdUpMs, () => {
      passBy()
      this.#work()
    })
    void this.#levelRanges(member, ranges, { onAnswer: () => patience.cancel() }).catch((error: unknown) => {
      runtime.log.error({ error }, "synchronising failed: this is a defect, please report it")
      return false
    }).then((isDone) => {
      if (!isDone && this.#custodian.custody.sources.get(peerId)?.isSilent !== true) {
        // Not at once again: a call to a member without an address fails in no time.
        this.#postponed.add(peerId)
        this.#retryLater()
      }
      patience.cancel()
      this.#underWay.delete(peerId)
      passBy()
      this.#work()
    })
  }

  #retryLater(): void {
    this.#retryTimer?.cancel()
    this.#retryTimer = this.#components.runtime.setTimer(retryMs, () => {
      this.#postponed.clear()
      this.#work()
    })
  }

  /**
   * Compares all of this peer's ranges with a member and levels the
   * differences; false when that failed. When the surroundings change on the
   * way, what was compared remains so, and the member's turn comes again.
   */
  level(member: Member, extra: number, signal?: AbortSignal): Promise<boolean> {
    return this.#levelRanges(member, this.#custodian.custody.ranges, { extra, signal })
  }

  async #levelRanges(member: Member, ranges: readonly KeyRange[], how: LevelOptions): Promise<boolean> {
    const { changes, ranges: all } = this.#custodian.custody
    try {
      for (const range of ranges) {
        let rest: KeyRange | undefined = range
        for (let page = 0; rest !== undefined; page++) {
          if (page >= maxPages || this.#isStopped || how.signal?.aborted === true) return false
          rest = await this.#levelPage(member, rest, how)
          if (this.#custodian.custody.ranges !== all) return true
        }
      }
      this.#forgetOutdatedCopies()
      if (this.#copiedAsOf === changes && ranges === all) this.#copied.add(member.peerId)
      return true
    } catch (error) {
      this.#custodian.onFailure(member, error)
      return false
    }
  }

  /** One page; the result is what is left of the range. */
  async #levelPage(member: Member, range: KeyRange, { extra = 0, signal, onAnswer }: LevelOptions): Promise<KeyRange | undefined> {
    const { transfer, routing, replication } = this.#components
    const asOf = this.#custodian.custody.changes
    const { upTo, theirs, ours, leads } = await transfer.compare(member, range, signal)
    onAnswer?.()
    await transfer.pull(member, theirs, signal)
    const others = leads.filter((lead) => lead.member.peerId !== routing.self.peerId)
    this.#custodian.become(compared(this.#custodian.custody, member.peerId, { from: range.from, to: upTo }, asOf, others))
    const wanted = ours.filter(
      (key) => routing.isResponsible(key) && replication.replicaSet(key, extra).some((other) => other.peerId === member.peerId),
    )
    await transfer.push(member, wanted, signal)
    return upTo === range.to ? undefined : { from: upTo, to: range.to }
  }

  #repairLater(): void {
    const delayMs = this.#repairIntervalMs * (0.5 + this.#components.runtime.random.float())
    this.#repairTimer = this.#components.runtime.setTimer(delayMs, () => {
      this.#copied.clear()
      for (const [peerId, { isSilent }] of this.#custodian.custody.sources) if (isSilent) this.#retried.add(peerId)
      this.#work()
      this.#repairLater()
    })
  }
}
