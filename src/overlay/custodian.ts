/**
 * The one mutable holder of a peer's {@link Custody}: follows the routing,
 * hears who fails, and tells others whom this peer has yet to ask.
 */
import type { PeerId } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Custody, Lead } from "./custody.ts"
import { failed, isSettled, leadsForKey, leadsForRange, nothingInCustody, surrounded } from "./custody.ts"
import type { Id } from "./id.ts"
import type { KeyBasedRouting, KeyRange, Member } from "./key-based-routing.ts"
import { isCallFailure, isSilence } from "./replica-queue.ts"
import type { LeadSource } from "./transfer.ts"

export interface CustodianComponents {
  readonly runtime: Runtime
  readonly routing: KeyBasedRouting
}

/** See the head of this file. */
export class Custodian implements LeadSource {
  readonly #runtime: Runtime
  readonly #routing: KeyBasedRouting
  #custody: Custody = nothingInCustody
  #isSettled = true
  #isStopped = false
  #waiters: (() => void)[] = []

  constructor({ runtime, routing }: CustodianComponents) {
    this.#runtime = runtime
    this.#routing = routing
  }

  get self(): Member {
    return this.#routing.self
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** As the routing has it at this moment. Cheap when it says the same as before. */
  get custody(): Custody {
    this.become(surrounded(this.#custody, this.#routing.ranges(), this.#routing.neighbours(), this.#runtime.now()))
    return this.#custody
  }

  /** Whether nothing is owed to anybody who answers, as of the last look at {@link custody}. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  become(next: Custody): void {
    if (next === this.#custody) return
    this.#custody = next
    this.#isSettled = isSettled(next)
    if (this.#isSettled) this.#wakeWaiters()
  }

  /** Resolves when nothing is owed, or this peer stops; rejects when the signal fires. */
  async settled(signal: AbortSignal): Promise<void> {
    void this.custody
    while (!this.#isSettled && !this.#isStopped) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve)
        signal.addEventListener("abort", () => resolve(), { once: true })
      })
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#wakeWaiters()
  }

  /** A call to the member failed. A neighbour is waited for unless it is silent, others are not asked again. */
  onFailure(member: Member, error: unknown): void {
    if (!isCallFailure(error)) throw error
    const isNeighbour = this.#custody.sources.get(member.peerId)?.isNeighbour === true
    if (isSilence(error)) this.#routing.suspect(member.peerId)
    if (isSilence(error) || !isNeighbour) this.become(failed(this.#custody, member.peerId))
  }

  leadsForRange(range: KeyRange): readonly Lead[] {
    return leadsForRange(this.custody, range, this.#runtime.now())
  }

  leadsForKeys(keys: readonly Id[]): readonly Member[] {
    const { custody } = this
    if (this.#isSettled && custody.trails.length === 0) return []
    const leads = new Map<PeerId, Member>()
    for (const key of keys) for (const member of leadsForKey(custody, key, this.#runtime.now())) leads.set(member.peerId, member)
    return [...leads.values()]
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
