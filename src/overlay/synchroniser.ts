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
import { isCallFailure, isSilence } from "./replica-queue.ts"
import type { Replication } from "./replication.ts"
import type { Settlement } from "./settlement.ts"
import {
  heard, isSettled, isSettledWith, nothingToSettle, settledWith, settledWithAll, silenced, surrounded, unsettledFor,
} from "./settlement.ts"
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

/** Pages of one comparison before it counts as failed: nobody shall keep this peer busy for ever. */
const maxPages = 4096
const maxFreshKeys = 65_536
const retryMs = 1_000

/** See the head of this file. */
export class Synchroniser {
  readonly #components: SynchroniserComponents
  readonly #repairIntervalMs: number
  #settlement: Settlement = nothingToSettle
  /** Replicas that were brought up to date since the neighbourhood last changed. */
  readonly #copied = new Set<PeerId>()
  /** Silent neighbours that are to be tried once more. */
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

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** What this peer answers for, and those around it. */
  get surroundings(): Pick<Settlement, "ranges" | "neighbours"> {
    return this.#settlement
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
    for (const { peerId } of this.holders(0)) this.#copied.add(peerId)
    this.#become(settledWithAll(this.#settlement))
  }

  /**
   * Makes sure that this peer has all that its neighbours know of a key it
   * owns; `undefined` when that is so already.
   */
  ensure(key: Id): Promise<void> | undefined {
    this.#refresh()
    if (this.#isSettled || this.#fresh.has(key)) return undefined
    const missing = unsettledFor(this.#settlement, key)
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

  /** Takes note of what the routing says now. Cheap when it says the same as before. */
  #refresh(): void {
    const { routing } = this.#components
    const next = surrounded(this.#settlement, routing.ranges(), routing.neighbours())
    if (next === this.#settlement) return
    this.#epoch++
    this.#fresh.clear()
    this.#fetching = new Map()
    this.#copied.clear()
    this.#become(next)
  }

  #become(next: Settlement): void {
    if (next === this.#settlement) return
    this.#settlement = next
    this.#isSettled = isSettled(next)
    if (this.#isSettled) this.#wakeWaiters()
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
      this.onFailure(member, error)
    }
  }

  /** A call to the member failed; only a silent one is not waited for any more. */
  onFailure(member: Member, error: unknown): void {
    if (!isCallFailure(error)) throw error
    if (!isSilence(error)) return
    this.#components.routing.suspect(member.peerId)
    this.#become(silenced(this.#settlement, member.peerId))
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  /** Whether the member was brought up to date since the neighbourhood last changed. */
  isCopied(peerId: PeerId): boolean {
    return this.#copied.has(peerId)
  }

  /** All replicas are to be compared once more. */
  forgetCopies(): void {
    this.#copied.clear()
  }

  /** Members that hold copies of what this peer owns, `extra` more than there should be copies. */
  holders(extra: number): Member[] {
    const { routing, replication } = this.#components
    const told = replication.replicas(extra)
    if (told !== undefined) return [...told]
    const holders = new Map<PeerId, Member>()
    for (const range of this.#settlement.ranges) {
      for (const key of [range.to, range.from]) {
        for (const member of replication.replicaSet(key, extra)) holders.set(member.peerId, member)
      }
    }
    holders.delete(routing.self.peerId)
    return [...holders.values()]
  }

  #nextToCompare(): Member | undefined {
    const { neighbours, silent } = this.#settlement
    const holders = this.holders(0)
    const isDue = ({ peerId }: Member): boolean => !silent.has(peerId) || this.#retried.has(peerId)
    const isUnsettled = (member: Member): boolean => isDue(member) && !isSettledWith(this.#settlement, member.peerId)
    const isNeighbour = (member: Member): boolean => neighbours.some((other) => other.peerId === member.peerId)
    return (
      holders.find((member) => isUnsettled(member) && isNeighbour(member)) ??
      neighbours.find(isUnsettled) ??
      holders.find((member) => isDue(member) && !this.#copied.has(member.peerId))
    )
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
      const isDone = await this.level(member, 0)
      if (!isDone && !this.#settlement.silent.has(member.peerId)) return this.#retryLater()
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
  async level(member: Member, extra: number, signal?: AbortSignal): Promise<boolean> {
    const { ranges } = this.#settlement
    const epoch = this.#epoch
    try {
      for (const range of ranges) {
        let rest: KeyRange | undefined = range
        for (let page = 0; rest !== undefined; page++) {
          if (page >= maxPages || this.#isStopped || signal?.aborted === true) return false
          rest = await this.#levelPage(member, rest, extra, signal)
          this.#refresh()
          if (this.#settlement.ranges !== ranges) return true
        }
      }
      if (this.#epoch === epoch) this.#copied.add(member.peerId)
      this.#become(heard(this.#settlement, member.peerId))
      return true
    } catch (error) {
      this.onFailure(member, error)
      return false
    }
  }

  /** One page; the result is what is left of the range. */
  async #levelPage(member: Member, range: KeyRange, extra: number, signal?: AbortSignal): Promise<KeyRange | undefined> {
    const { transfer, routing, replication } = this.#components
    const { upTo, theirs, ours } = await transfer.compare(member, range, signal)
    await transfer.pull(member, theirs, signal)
    const epoch = this.#epoch
    this.#refresh()
    if (epoch === this.#epoch) this.#become(settledWith(this.#settlement, member.peerId, [{ from: range.from, to: upTo }]))
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
      for (const peerId of this.#settlement.silent) this.#retried.add(peerId)
      this.#work()
      this.#repairLater()
    })
  }
}
