/**
 * Keeps this peer's copy of what it owns complete, and its replicas' copies
 * like its own: hand-over and repair in one.
 *
 * A key counts as settled once this peer has compared the range it lies in
 * with every neighbour, after it became the key's owner and after that
 * neighbour came into sight. Before, the owner asks the neighbours in question
 * for the key itself (`ensure`) and then answers. One mechanism for a join, a
 * crash and a healed partition.
 */
import type { PeerId } from "../link/link.ts"
import type { Runtime, Timer } from "../runtime/runtime.ts"
import type { Id } from "./id.ts"
import type { KeyBasedRouting, KeyRange, Member } from "./key-based-routing.ts"
import { containsAny, intersect, subtract, wholeRing } from "./key-range.ts"
import { isCallFailure, isSilence } from "./replica-queue.ts"
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
}

/** What a leaving peer owned, and its neighbours, nearest first: the first ones take over. */
export interface Legacy {
  readonly ranges: readonly KeyRange[]
  readonly heirs: readonly Member[]
}

/** As many as confirm a change. */
const heirsToConfirm = 2
/** Pages of one comparison before it counts as failed: nobody shall keep this peer busy for ever. */
const maxPages = 4096
const maxFreshKeys = 65_536
const retryMs = 1_000
const nobody: readonly Member[] = []

/** See the head of this file. */
export class Synchroniser {
  readonly #components: SynchroniserComponents
  readonly #repairIntervalMs: number
  #ranges: readonly KeyRange[] = []
  #neighbours: readonly Member[] = []
  /** Of which of this peer's ranges it is known that the neighbour has nothing more. */
  readonly #settled = new Map<PeerId, readonly KeyRange[]>()
  /** Replicas that were brought up to date since the neighbourhood last changed. */
  readonly #copied = new Set<PeerId>()
  /** Neighbours that did not answer: nobody waits for them until they do. */
  readonly #silent = new Set<PeerId>()
  /** Those of them that are to be tried once more. */
  readonly #retried = new Set<PeerId>()
  /** Keys that were fetched since the neighbourhood last changed. */
  readonly #fresh = new Set<Id>()
  /** Fetches begun since the neighbourhood last changed. */
  #fetching = new Map<Id, Promise<void>>()
  #epoch = 0
  #isSettled = true
  #isWorking = false
  #isStopped = false
  #waiters: (() => void)[] = []
  #repairTimer: Timer | undefined
  #retryTimer: Timer | undefined
  #removeListener: (() => void) | undefined

  constructor(components: SynchroniserComponents, options: SynchroniserOptions = {}) {
    this.#components = components
    this.#repairIntervalMs = options.repairIntervalMs ?? synchroniserDefaults.repairIntervalMs
  }

  /** Begins to follow the routing; call it before it joins. */
  start(): void {
    this.#removeListener = this.#components.routing.onChange(() => {
      // A neighbour may have become a replica without anything else having changed.
      this.#copied.clear()
      this.#refresh()
      this.#work()
    })
    this.#repairLater()
  }

  stop(): void {
    this.#isStopped = true
    this.#removeListener?.()
    this.#repairTimer?.cancel()
    this.#retryTimer?.cancel()
    this.#wakeWaiters()
  }

  /** Settles when every key of this peer is settled, or the signal fires. */
  async settled(signal: AbortSignal): Promise<void> {
    this.#refresh()
    this.#work()
    while (!this.#isSettled && !this.#isStopped) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve)
        signal.addEventListener("abort", () => resolve(), { once: true })
      })
    }
  }

  /** An overlay has only begun: no neighbour has any records. */
  assumeSettled(): void {
    this.#refresh()
    for (const { peerId } of this.#neighbours) this.#settled.set(peerId, this.#ranges)
    for (const { peerId } of this.#holders(0)) this.#copied.add(peerId)
    this.#judge()
  }

  /**
   * Makes sure that this peer has all that its neighbours know of a key it
   * owns; `undefined` when that is so already.
   */
  ensure(key: Id): Promise<void> | undefined {
    this.#refresh()
    if (this.#isSettled || this.#fresh.has(key)) return undefined
    const missing = this.#unsettledFor(key)
    if (missing.length === 0) return undefined
    const underWay = this.#fetching
    let fetching = underWay.get(key)
    if (fetching === undefined) {
      fetching = this.#fetch(key, missing).finally(() => underWay.delete(key))
      underWay.set(key, fetching)
    }
    return fetching
  }

  /** Asks all the members for the key's records, whatever is settled. */
  async fetchFrom(members: readonly Member[], key: Id): Promise<void> {
    await Promise.all(members.map((member) => this.#pullKey(member, key)))
  }

  /**
   * Gives the heirs of this peer all that it owns: those members that will be
   * replicas once it is gone and are not about to go themselves. Resolves when
   * they have it, or the signal fires; then `Legacy` tells what they got.
   */
  async handOver(signal: AbortSignal): Promise<Legacy> {
    // What was copied once may since have lost a change that too few replicas confirmed: compare all, once more.
    this.#copied.clear()
    const { transfer } = this.#components
    transfer.beginLeaving()
    const failed = new Set<PeerId>()
    for (;;) {
      const extra = 1 + failed.size
      const heirs = this.#holders(extra).filter((member) => !failed.has(member.peerId))
      const next = heirs.find((member) => !this.#copied.has(member.peerId))
      if (next === undefined || signal.aborted || this.#isStopped) return { ranges: this.#ranges, heirs: this.#neighbours }
      const isStaying = await this.#isStaying(next, signal)
      if (!isStaying || !(await this.#synchronise(next, extra, signal))) failed.add(next.peerId)
    }
  }

  async #isStaying(member: Member, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#components.transfer.requireStaying(member, signal)
      return true
    } catch (error) {
      this.#onFailure(member, error)
      return false
    }
  }

  /**
   * Once this peer answers for nothing any more: makes sure that heirs who stay
   * have what changed during the hand-over. Heirs may have left in the meantime,
   * as this peer does.
   */
  async confirm({ ranges, heirs }: Legacy, signal: AbortSignal): Promise<void> {
    let confirmed = 0
    await new Promise<void>((resolve, reject) => {
      // All are asked at once, and those who answer first get it: some may be dead, and time is short.
      const asked = heirs.map(async (heir) => {
        if (!(await this.#isStaying(heir, signal)) || confirmed >= heirsToConfirm) return
        // Copies go to one of them as well: their owner may be leaving too, or die before it misses them.
        const legacy = confirmed++ === 0 ? [wholeRing] : ranges
        try {
          for (const range of legacy) await this.#bequeath(heir, range, signal)
          if (confirmed >= heirsToConfirm) resolve()
        } catch (error) {
          if (!isCallFailure(error)) throw error
          confirmed--
        }
      })
      Promise.all(asked).then(() => resolve(), reject)
    })
  }

  async #bequeath(heir: Member, range: KeyRange, signal: AbortSignal): Promise<void> {
    const { transfer } = this.#components
    let rest: KeyRange | undefined = range
    for (let page = 0; rest !== undefined && page < maxPages && !this.#isStopped; page++) {
      const { upTo, ours } = await transfer.compare(heir, rest, signal)
      await transfer.push(heir, ours, signal)
      rest = upTo === range.to ? undefined : { from: upTo, to: range.to }
    }
  }

  /** Takes note of what the routing says now. Cheap when it says the same as before. */
  #refresh(): void {
    const { routing } = this.#components
    const ranges = routing.ranges()
    const neighbours = routing.neighbours()
    if (ranges === this.#ranges && neighbours === this.#neighbours) return
    this.#epoch++
    this.#fresh.clear()
    this.#fetching = new Map()
    const known = new Set(neighbours.map((member) => member.peerId))
    for (const [peerId, settled] of this.#settled) {
      if (known.has(peerId)) this.#settled.set(peerId, intersect(settled, ranges))
      else this.#settled.delete(peerId)
    }
    for (const peerId of this.#silent) if (!known.has(peerId)) this.#silent.delete(peerId)
    this.#copied.clear()
    this.#ranges = ranges
    this.#neighbours = neighbours
    this.#judge()
  }

  #judge(): void {
    this.#isSettled = this.#neighbours.every((member) => this.#silent.has(member.peerId) || this.#isSettledWith(member))
    if (this.#isSettled) this.#wakeWaiters()
  }

  #isSettledWith(member: Member): boolean {
    return subtract(this.#ranges, this.#settled.get(member.peerId) ?? []).length === 0
  }

  #unsettledFor(key: Id): readonly Member[] {
    const missing = this.#neighbours.filter(
      (member) => !this.#silent.has(member.peerId) && !containsAny(this.#settled.get(member.peerId) ?? [], key),
    )
    return missing.length === 0 ? nobody : missing
  }

  async #fetch(key: Id, members: readonly Member[]): Promise<void> {
    const epoch = this.#epoch
    await this.fetchFrom(members, key)
    if (epoch !== this.#epoch) return
    if (this.#fresh.size >= maxFreshKeys) this.#fresh.clear()
    this.#fresh.add(key)
  }

  async #pullKey(member: Member, key: Id): Promise<void> {
    try {
      await this.#components.transfer.pull(member, [key])
    } catch (error) {
      this.#onFailure(member, error)
    }
  }

  #onFailure(member: Member, error: unknown): void {
    if (!isCallFailure(error)) throw error
    if (!isSilence(error)) return
    this.#components.routing.suspect(member.peerId)
    this.#silent.add(member.peerId)
    this.#judge()
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  /** Members that hold copies of what this peer owns, `extra` more than there should be copies. */
  #holders(extra: number): Member[] {
    const { routing, replication } = this.#components
    const told = replication.replicas(extra)
    if (told !== undefined) return [...told]
    const holders = new Map<PeerId, Member>()
    for (const range of this.#ranges) {
      for (const key of [range.to, range.from]) {
        for (const member of replication.replicaSet(key, extra)) holders.set(member.peerId, member)
      }
    }
    holders.delete(routing.self.peerId)
    return [...holders.values()]
  }

  #nextToCompare(): Member | undefined {
    const holders = this.#holders(0)
    const isDue = ({ peerId }: Member): boolean => !this.#silent.has(peerId) || this.#retried.has(peerId)
    return (
      holders.find((member) => isDue(member) && !this.#isSettledWith(member) && this.#isNeighbour(member)) ??
      this.#neighbours.find((member) => isDue(member) && !this.#isSettledWith(member)) ??
      holders.find((member) => isDue(member) && !this.#copied.has(member.peerId))
    )
  }

  #isNeighbour(member: Member): boolean {
    return this.#neighbours.some((other) => other.peerId === member.peerId)
  }

  /** Starts the one worker unless it is at work. */
  #work(): void {
    if (this.#isWorking || this.#isStopped) return
    this.#isWorking = true
    this.#compareAll()
      .catch((error: unknown) => this.#components.runtime.log.error({ error }, "synchronising failed: this is a defect, please report it"))
      .finally(() => {
        this.#isWorking = false
      })
  }

  async #compareAll(): Promise<void> {
    for (;;) {
      this.#refresh()
      const member = this.#nextToCompare()
      if (member === undefined || this.#isStopped) return
      this.#retried.delete(member.peerId)
      const isDone = await this.#synchronise(member, 0)
      if (!isDone && !this.#silent.has(member.peerId)) return this.#retryLater()
    }
  }

  #retryLater(): void {
    this.#retryTimer?.cancel()
    this.#retryTimer = this.#components.runtime.setTimer(retryMs, () => this.#work())
  }

  /**
   * Compares all of this peer's ranges with a member and levels the
   * differences; false when that failed. When the neighbourhood changes on the
   * way, what is settled remains, and the member's turn comes again.
   */
  async #synchronise(member: Member, extra: number, signal?: AbortSignal): Promise<boolean> {
    const ranges = this.#ranges
    const epoch = this.#epoch
    try {
      for (const range of ranges) {
        let rest: KeyRange | undefined = range
        for (let page = 0; rest !== undefined; page++) {
          if (page >= maxPages || this.#isStopped || signal?.aborted === true) return false
          rest = await this.#level(member, rest, extra, signal)
          this.#refresh()
          if (this.#ranges !== ranges) return true
        }
      }
      if (this.#epoch === epoch) this.#copied.add(member.peerId)
      this.#silent.delete(member.peerId)
      this.#judge()
      return true
    } catch (error) {
      this.#onFailure(member, error)
      return false
    }
  }

  /** One page; the result is what is left of the range. */
  async #level(member: Member, range: KeyRange, extra: number, signal?: AbortSignal): Promise<KeyRange | undefined> {
    const { transfer, routing, replication } = this.#components
    const { upTo, theirs, ours } = await transfer.compare(member, range, signal)
    await transfer.pull(member, theirs, signal)
    const epoch = this.#epoch
    this.#refresh()
    if (epoch === this.#epoch) this.#settle(member, [{ from: range.from, to: upTo }])
    const wanted = ours.filter(
      (key) => routing.isResponsible(key) && replication.replicaSet(key, extra).some((other) => other.peerId === member.peerId),
    )
    await transfer.push(member, wanted, signal)
    return upTo === range.to ? undefined : { from: upTo, to: range.to }
  }

  #settle(member: Member, ranges: readonly KeyRange[]): void {
    const before = this.#settled.get(member.peerId) ?? []
    // Only what this peer owns now can be settled: it may have lost some of it in the meantime.
    const added = subtract(intersect(ranges, this.#ranges), before)
    if (added.length === 0) return
    this.#settled.set(member.peerId, join([...before, ...added]))
    this.#judge()
  }

  #repairLater(): void {
    const delayMs = this.#repairIntervalMs * (0.5 + this.#components.runtime.random.float())
    this.#repairTimer = this.#components.runtime.setTimer(delayMs, () => {
      this.#copied.clear()
      for (const peerId of this.#silent) this.#retried.add(peerId)
      this.#work()
      this.#repairLater()
    })
  }
}

/** Ranges that touch become one. */
function join(ranges: readonly KeyRange[]): KeyRange[] {
  const joined: KeyRange[] = []
  for (const range of ranges) {
    const before = joined.findIndex((other) => other.to === range.from)
    const other = joined[before]
    if (other === undefined) joined.push(range)
    else joined[before] = { from: other.from, to: range.to }
  }
  return joined
}
