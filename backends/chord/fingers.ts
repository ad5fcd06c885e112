/**
 * Fingers: members far ahead on the ring, two for each halving of it. They
 * only speed look-ups up; that they are right nobody relies on.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import { idBytes, isBetween } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Random } from "../../src/runtime/runtime.ts"

const ringSize = 1n << 160n

/** The places in [from, to). */
interface Interval {
  readonly from: Id
  readonly to: Id
}

/** See the head of this file. */
export class FingerTable {
  readonly #self: bigint
  readonly #fingers: (Member | undefined)[]
  /** Worked out when first asked for. */
  readonly #intervals: (Interval | undefined)[]

  constructor(self: Id, size: number) {
    this.#self = BigInt(`0x${self}`)
    this.#fingers = Array.from({ length: size }, () => undefined)
    this.#intervals = Array.from({ length: size }, () => undefined)
  }

  get size(): number {
    return this.#fingers.length
  }

  /** The members that are fingers, each once. */
  get members(): Member[] {
    return [...new Set(this.#fingers.filter((member) => member !== undefined))]
  }

  /** Where finger `index` may lie: [from, to). Finger 0 begins three quarters around, 1 halfway, 2 at three eighths… */
  interval(index: number): Interval {
    return (this.#intervals[index] ??= this.#computeInterval(index))
  }

  #computeInterval(index: number): Interval {
    const octave = ringSize >> BigInt(1 + (index >> 1))
    const half = octave >> 1n
    const from = this.#self + (index % 2 === 0 ? octave + half : octave)
    return { from: toId(from), to: toId(from + half) }
  }

  /** A random place inside the interval of finger `index`. */
  randomTarget(index: number, random: Random): Id {
    const { from, to } = this.interval(index)
    const width = (BigInt(`0x${to}`) - BigInt(`0x${from}`) + ringSize) % ringSize
    const draw = BigInt(`0x${Buffer.from(random.bytes(idBytes)).toString("hex")}`)
    return toId(BigInt(`0x${from}`) + (draw % width))
  }

  /** Whether the member may serve as finger `index`. */
  fits(index: number, member: Member): boolean {
    const { from, to } = this.interval(index)
    return member.id === from || isBetween(from, member.id, to)
  }

  set(index: number, member: Member | undefined): void {
    this.#fingers[index] = member
  }

  get(index: number): Member | undefined {
    return this.#fingers[index]
  }

  /** Whether any finger lies there. */
  has(peerId: PeerId): boolean {
    return this.#fingers.some((member) => member?.peerId === peerId)
  }

  remove(peerId: PeerId): void {
    this.#fingers.forEach((member, index) => {
      if (member?.peerId === peerId) this.#fingers[index] = undefined
    })
  }
}

function toId(place: bigint): Id {
  return (place % ringSize).toString(16).padStart(2 * idBytes, "0")
}
