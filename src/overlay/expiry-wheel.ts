/**
 * Tells which keys may have something to forget: one timer for all keys, and
 * no more than one place for most of them.
 */
import type { Runtime, Timer } from "../runtime/runtime.ts"
import type { Id } from "./id.ts"

/** Keys whose times fall into the same few seconds share a slot. */
const slotMs = 4_000
/** Keys looked at in one go, so that a large slot does not hold up the peer. */
const chunk = 500
/** The longest delay that timers of every platform take. */
const maxDelayMs = 2 ** 31 - 1

/** See the head of this file. */
export class ExpiryWheel {
  readonly #runtime: Runtime
  /** Looks at a key at its time; the result is when to look again, undefined for never. */
  readonly #visit: (key: Id, now: number) => number | undefined
  readonly #slots = new Map<number, Set<Id>>()
  #timer: Timer | undefined
  #armedSlot = Infinity

  constructor(runtime: Runtime, visit: (key: Id, now: number) => number | undefined) {
    this.#runtime = runtime
    this.#visit = visit
  }

  /** Times that share a slot need not be added twice. */
  static slotOf(at: number): number {
    return Math.floor(at / slotMs) + 1
  }

  add(key: Id, at: number): void {
    const slot = ExpiryWheel.slotOf(at)
    const keys = this.#slots.get(slot)
    if (keys === undefined) this.#slots.set(slot, new Set([key]))
    else keys.add(key)
    if (slot < this.#armedSlot) this.#arm(slot)
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
    const keys = slot * slotMs <= now + 1 ? this.#slots.get(slot) : undefined
    if (keys !== undefined) {
      let left = chunk
      for (const key of keys) {
        if (left-- === 0) break
        keys.delete(key)
        const again = this.#visit(key, now)
        if (again !== undefined) this.add(key, again)
      }
      if (keys.size === 0) this.#slots.delete(slot)
    }
    let next = this.#armedSlot
    for (const candidate of this.#slots.keys()) if (candidate < next) next = candidate
    if (next < this.#armedSlot) this.#arm(next)
  }
}
