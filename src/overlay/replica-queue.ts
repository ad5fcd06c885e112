/**
 * Records on their way to one replica: what one tick brings shares a frame,
 * and what comes while the replica is behind waits for its answers.
 */
import { P2PSipError, isP2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Member } from "./key-based-routing.ts"
import { methods } from "./methods.ts"
import type { Rpc } from "./rpc.ts"
import { encodeStore, maxKeysPerFrame, pageBytes, readRefused } from "./transfer-codec.ts"

/** How one record's journey to one replica ended. */
export type Delivery = "stored" | "refused" | "silent"

/** An encoded item of a `store` request, and whom to tell. */
export interface QueuedItem {
  readonly bytes: Uint8Array
  readonly onDelivery: (member: Member, delivery: Delivery) => void
}

const maxFramesInFlight = 4
const maxQueuedItems = 65_536

/** See the head of this file. */
export class ReplicaQueue {
  readonly member: Member
  readonly #runtime: Runtime
  readonly #rpc: Rpc
  #items: QueuedItem[] = []
  #inFlight = 0
  #isFlushing = false

  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }, member: Member) {
    this.#runtime = components.runtime
    this.#rpc = components.rpc
    this.member = member
  }

  get isIdle(): boolean {
    return this.#items.length === 0 && this.#inFlight === 0
  }

  push(item: QueuedItem): void {
    if (this.#items.length >= maxQueuedItems) {
      this.#runtime.defer(() => item.onDelivery(this.member, "refused"))
      return
    }
    this.#items.push(item)
    this.#flushLater()
  }

  #flushLater(): void {
    if (this.#isFlushing || this.#inFlight >= maxFramesInFlight) return
    this.#isFlushing = true
    this.#runtime.defer(() => {
      this.#isFlushing = false
      while (this.#items.length > 0 && this.#inFlight < maxFramesInFlight) this.#send(this.#takeFrame())
    })
  }

  #takeFrame(): QueuedItem[] {
    let bytes = 0
    let count = 0
    for (const item of this.#items) {
      bytes += item.bytes.length
      if (count > 0 && bytes > pageBytes) break
      if (++count === maxKeysPerFrame) break
    }
    if (count < this.#items.length) return this.#items.splice(0, count)
    const items = this.#items
    this.#items = []
    return items
  }

  #send(items: QueuedItem[]): void {
    this.#inFlight++
    const body = encodeStore(items.map((item) => item.bytes))
    this.#rpc.call(this.member, methods.store, body).then(
      (reply) => {
        const refused = readRefused(reply)
        this.#end(items, (index) => (refused.has(index) ? "refused" : "stored"))
      },
    ).catch((error: unknown) => {
      const delivery = isSilence(error) ? "silent" : "refused"
      this.#end(items, () => delivery)
    })
  }

  #end(items: readonly QueuedItem[], deliveryOf: (index: number) => Delivery): void {
    this.#inFlight--
    items.forEach((item, index) => item.onDelivery(this.member, deliveryOf(index)))
    if (this.#items.length > 0) this.#flushLater()
  }
}

/** Whether a call failed because the peer did not answer: it may be dead. */
export function isSilence(error: unknown): boolean {
  return isP2PSipError(error, "P2PSIP_TIMEOUT") || isP2PSipError(error, "P2PSIP_UNREACHABLE")
}

/** Whether a call failed as calls between peers do, rather than by a defect of ours. */
export function isCallFailure(error: unknown): error is P2PSipError {
  return error instanceof P2PSipError
}
