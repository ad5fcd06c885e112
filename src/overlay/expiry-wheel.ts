/**
 * Tells which records may have to be forgotten: one timer for all of them, and
 * eight bytes for each.
 */
import type { Runtime, Timer } from "../runtime/runtime.ts"

/** Times that fall into the same few seconds share a slot. */
const slotMs = 4_000
/** Places looked at in one go, so that a large slot does not hold up the peer. */
const chunk = 500
/** The longest delay that timers of every platform take. */
const maxDelayMs = 2 ** 31 - 1

/** See the head of this file. */
export class ExpiryWheel {
  readonly #runtime: Runtime
  /** Looks at what is in a place and was added to that slot, in its time. */
  readonly #visit: (place: number, slot: number, now: number) => void
  readonly #slots = new Map<number, number[]>()
  #timer: Timer | undefined
  #armedSlot = Infinity

  constructor(runtime: Runtime, visit: (place: number, slot: number, now: number) => void) {
    this.#runtime = runtime
    this.#visit = visit
  }

  /** Has the place visited soon after that time; gives the slot under which it will be. */
  add(place: number, at: number): number {
    const slot = Math.floor(Math.max(0, at) / slotMs) + 1
    const places = this.#slots.get(slot)
    if (places === undefined) this.#slots.set(slot, [place])
    else places.push(place)
    if (slot < this.#armedSlot) this.#arm(slot)
    return slot
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#slots.clear()
    this.#armedSlot = Infinity
  }

  #arm(slot: number): void {
    this.#timer?.cancel()
    this.#armedSlot = slot
    const delayMs = Math.min(Math.max(0, slot * slotMs - this.#runtime.now()), maxDelayMs)
    this.#timer = this.#runtime.setTimer(delayMs, () => this.#turn())
  }

  #turn(): void {
    const now = this.#runtime.now()
    const slot = this.#armedSlot
    this.#timer = undefined
    this.#armedSlot = Infinity
    const places = slot * slotMs <= now + 1 ? this.#slots.get(slot) : undefined
    if (places !== undefined) {
      const left = Math.max(0, places.length - chunk)
      for (const place of places.splice(left)) this.#visit(place, slot, now)
      if (places.length === 0) this.#slots.delete(slot)
    }
    let next = this.#armedSlot
    for (const candidate of this.#slots.keys()) if (candidate < next) next = candidate
    if (next < this.#armedSlot) this.#arm(next)
  }
}
