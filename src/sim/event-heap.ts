/**
 * The queue of what is still to happen, ordered by (time, order of scheduling).
 *
 * A 4-ary heap over typed arrays: keys are compared without touching an
 * object, and moving an entry needs no write barrier. Cancelling leaves the
 * entry where it is, emptied; when the empty ones are the majority they are
 * swept out together, so that cancelled time-outs cost neither memory nor time.
 */

/** Something that happens at a moment. */
export interface SimEvent {
  /** True once nothing will come of it. */
  readonly isCancelled: boolean
  fire(): void
}

const firstCapacity = 1024
const sweepAbove = 1024

/** See the head of this file. */
export class EventHeap {
  #times = new Float64Array(firstCapacity)
  #sequences = new Float64Array(firstCapacity)
  #slots = new Int32Array(firstCapacity)
  readonly #events: (SimEvent | undefined)[] = []
  readonly #freeSlots: number[] = []
  #size = 0
  #nextSequence = 0
  #cancelled = 0

  /** Entries that are held, cancelled ones included. */
  get size(): number {
    return this.#size
  }

  /** When the next entry is due; Infinity if there is none. The entry may have been cancelled. */
  get nextTime(): number {
    return this.#size === 0 ? Infinity : (this.#times[0] ?? Infinity)
  }

  push(time: number, event: SimEvent): void {
    if (this.#size === this.#times.length) this.#grow()
    const slot = this.#freeSlots.pop() ?? this.#events.length
    this.#events[slot] = event
    this.#siftUp(this.#size++, time, this.#nextSequence++, slot)
  }

  /** Takes the next entry out; undefined if there is none. */
  pop(): SimEvent | undefined {
    if (this.#size === 0) return undefined
    const slot = this.#slots[0] as number
    const event = this.#events[slot]
    this.#events[slot] = undefined
    this.#freeSlots.push(slot)
    const last = --this.#size
    if (last > 0) {
      this.#siftDown(0, this.#times[last] as number, this.#sequences[last] as number, this.#slots[last] as number)
    }
    if (event?.isCancelled === true) this.#cancelled--
    return event
  }

  /** To be called once for each entry that was cancelled while it was held here. */
  noteCancelled(): void {
    this.#cancelled++
    if (this.#cancelled > sweepAbove && this.#cancelled * 2 > this.#size) this.#sweep()
  }

  #sweep(): void {
    const size = this.#size
    let kept = 0
    for (let at = 0; at < size; at++) {
      const slot = this.#slots[at] as number
      if (this.#events[slot]?.isCancelled === true) {
        this.#events[slot] = undefined
        this.#freeSlots.push(slot)
        continue
      }
      this.#times[kept] = this.#times[at] as number
      this.#sequences[kept] = this.#sequences[at] as number
      this.#slots[kept] = slot
      kept++
    }
    this.#size = kept
    this.#cancelled = 0
    for (let at = (kept - 2) >> 2; at >= 0; at--) {
      this.#siftDown(at, this.#times[at] as number, this.#sequences[at] as number, this.#slots[at] as number)
    }
  }

  #siftUp(hole: number, time: number, sequence: number, slot: number): void {
    const times = this.#times
    const sequences = this.#sequences
    const slots = this.#slots
    while (hole > 0) {
      const parent = (hole - 1) >> 2
      const parentTime = times[parent] as number
      if (parentTime < time || (parentTime === time && (sequences[parent] as number) < sequence)) break
      times[hole] = parentTime
      sequences[hole] = sequences[parent] as number
      slots[hole] = slots[parent] as number
      hole = parent
    }
    times[hole] = time
    sequences[hole] = sequence
    slots[hole] = slot
  }

  #siftDown(hole: number, time: number, sequence: number, slot: number): void {
    const times = this.#times
    const sequences = this.#sequences
    const slots = this.#slots
    const size = this.#size
    for (;;) {
      const first = hole * 4 + 1
      if (first >= size) break
      let best = first
      let bestTime = times[first] as number
      const end = Math.min(first + 4, size)
      for (let child = first + 1; child < end; child++) {
        const childTime = times[child] as number
        if (childTime < bestTime || (childTime === bestTime && (sequences[child] as number) < (sequences[best] as number))) {
          best = child
          bestTime = childTime
        }
      }
      if (bestTime > time || (bestTime === time && (sequences[best] as number) > sequence)) break
      times[hole] = bestTime
      sequences[hole] = sequences[best] as number
      slots[hole] = slots[best] as number
      hole = best
    }
    times[hole] = time
    sequences[hole] = sequence
    slots[hole] = slot
  }

  #grow(): void {
    const capacity = this.#times.length * 2
    this.#times = grown(this.#times, new Float64Array(capacity))
    this.#sequences = grown(this.#sequences, new Float64Array(capacity))
    this.#slots = grown(this.#slots, new Int32Array(capacity))
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
