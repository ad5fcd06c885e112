/**
 * From the owner to the other replicas of a key.
 *
 * A change is sent to all of them at once; it counts as acknowledged when
 * enough have stored it. One that is silent is suspected, and when those that
 * were asked do not suffice, the next members of the replica set are.
 */
import { P2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Id } from "./id.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import type { StoredRecord } from "./record.ts"
import type { Delivery, QueuedItem } from "./replica-queue.ts"
import { ReplicaQueue } from "./replica-queue.ts"
import type { Rpc } from "./rpc.ts"
import { encodeItem } from "./transfer-codec.ts"

export interface ReplicationOptions {
  /** Copies of each record, the owner's included. @default 3 */
  readonly replication?: number | undefined
  /** Copies that must exist before a change is acknowledged, whenever the overlay has so many peers. @default 2 */
  readonly acks?: number | undefined
  /** How long an owner looks for replicas to confirm a change. @default 8000 */
  readonly ackTimeoutMs?: number | undefined
}

export const replicationDefaults = { replication: 3, acks: 2, ackTimeoutMs: 8_000 }

const retryMs = 100

export interface ReplicationComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly routing: KeyBasedRouting
}

/** See the head of this file. */
export class Replication {
  readonly #components: ReplicationComponents
  readonly #options: typeof replicationDefaults
  readonly #queues = new Map<PeerId, ReplicaQueue>()

  constructor(components: ReplicationComponents, options: ReplicationOptions = {}) {
    this.#components = components
    const replication = options.replication ?? replicationDefaults.replication
    this.#options = {
      replication,
      acks: Math.min(options.acks ?? replicationDefaults.acks, replication),
      ackTimeoutMs: options.ackTimeoutMs ?? replicationDefaults.ackTimeoutMs,
    }
  }

  /** The members that should hold the key, this peer first when it is the owner, and `extra` more. */
  replicaSet(key: Id, extra = 0): readonly Member[] {
    return this.#components.routing.replicaSet(key, this.#options.replication + extra)
  }

  /** The others that hold copies of any of this peer's keys, if the routing can tell. */
  replicas(extra: number): readonly Member[] | undefined {
    return this.#components.routing.replicas?.(this.#options.replication + extra)
  }

  /**
   * Copies records that this peer has stored. Settles when enough replicas
   * have them, `undefined` when that is so at once: the overlay has no other
   * peer. Rejects with `P2PSIP_NOT_REPLICATED`.
   */
  replicate(key: Id, records: readonly StoredRecord[]): Promise<void> | undefined {
    const members = this.replicaSet(key)
    if (records.length === 0 || members.length <= 1) return undefined
    return new Promise((resolve, reject) => {
      const giveUpAt = this.#components.runtime.now() + this.#options.ackTimeoutMs
      const change = new Change(this, this.#components, { key, records, acks: this.#options.acks, giveUpAt }, resolve, reject)
      change.begin(members)
    })
  }

  queueFor(member: Member): ReplicaQueue {
    let queue = this.#queues.get(member.peerId)
    if (queue === undefined) {
      // The table holds those that were replicas of late; the idle make room.
      for (const [peerId, other] of this.#queues) if (this.#queues.size >= 64 && other.isIdle) this.#queues.delete(peerId)
      queue = new ReplicaQueue(this.#components, member)
      this.#queues.set(member.peerId, queue)
    }
    return queue
  }
}

interface ChangeFacts {
  readonly key: Id
  readonly records: readonly StoredRecord[]
  readonly acks: number
  readonly giveUpAt: number
}

/** One change on its way to the replicas. */
class Change {
  readonly #replication: Replication
  readonly #components: ReplicationComponents
  readonly #facts: ChangeFacts
  readonly #resolve: () => void
  readonly #reject: (error: P2PSipError) => void
  readonly #tried = new Set<PeerId>()
  readonly #item: QueuedItem
  #stored = 1
  #underWay = 0
  #isSettled = false

  constructor(
    replication: Replication,
    components: ReplicationComponents,
    facts: ChangeFacts,
    resolve: () => void,
    reject: (error: P2PSipError) => void,
  ) {
    this.#replication = replication
    this.#components = components
    this.#facts = facts
    this.#resolve = resolve
    this.#reject = reject
    const bytes = encodeItem(facts, components.runtime.now())
    this.#item = { bytes, onDelivery: (member, delivery) => this.#onDelivery(member, delivery) }
  }

  begin(members: readonly Member[]): void {
    this.#sendTo(members)
    if (this.#stored >= this.#facts.acks) this.#settle()
  }

  #sendTo(members: readonly Member[]): void {
    const self = this.#components.routing.self.peerId
    for (const member of members) {
      if (member.peerId === self || this.#tried.has(member.peerId)) continue
      this.#tried.add(member.peerId)
      this.#underWay++
      this.#replication.queueFor(member).push(this.#item)
    }
  }

  #onDelivery(member: Member, delivery: Delivery): void {
    this.#underWay--
    if (delivery === "silent") this.#components.routing.suspect(member.peerId)
    if (delivery === "stored") this.#stored++
    if (this.#isSettled) return
    if (this.#stored >= this.#facts.acks) this.#settle()
    else if (this.#underWay === 0) this.#tryOthers()
  }

  /** None of those asked is left to answer, and too few have. */
  #tryOthers(): void {
    const { runtime, routing } = this.#components
    if (!routing.isResponsible(this.#facts.key)) {
      // Not for this peer to say any more how many copies are enough: the asker repeats it at the new owner.
      this.#isSettled = true
      this.#reject(new P2PSipError("P2PSIP_NOT_OPEN", "this peer stopped answering for the key before the change had its copies"))
      return
    }
    const members = this.#replication.replicaSet(this.#facts.key)
    const others = members.filter((member) => member.peerId !== routing.self.peerId)
    if (this.#stored >= Math.min(this.#facts.acks, others.length + 1)) return this.#settle()
    this.#sendTo(others)
    if (this.#underWay > 0) return
    if (runtime.now() >= this.#facts.giveUpAt) {
      this.#isSettled = true
      const message = `expected ${this.#facts.acks} copies, found ${this.#stored}; repeat the operation under the same operationId`
      this.#reject(new P2PSipError("P2PSIP_NOT_REPLICATED", message))
      return
    }
    // The backend has not yet found out who is dead, or a replica is full for the moment.
    runtime.setTimer(retryMs, () => {
      if (this.#isSettled) return
      this.#tried.clear()
      this.#stored = 1
      this.#tryOthers()
    })
  }

  #settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#resolve()
  }
}
