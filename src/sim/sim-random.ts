/**
 * Seeded randomness: xoshiro128** (Blackman and Vigna, 2018), seeded through
 * SplitMix32. Each peer and each part of the model draws from a stream of its
 * own, named by text, so that one more draw in one place leaves all others as
 * they were.
 */
import type { Random } from "../runtime/runtime.ts"

/** See the head of this file. Not for secrets. */
export class SimRandom implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number | string, stream = "") {
    let state = hashText(`${seed}/${stream}`)
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0
      let mixed = state ^ (state >>> 16)
      mixed = Math.imul(mixed, 0x21f0aaad)
      mixed ^= mixed >>> 15
      mixed = Math.imul(mixed, 0x735a2d97)
      return mixed ^ (mixed >>> 15)
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next() | 1
  }

  uint32(): number {
    const scrambled = Math.imul(this.#b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result >>> 0
  }

  float(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 4) {
      const word = this.uint32()
      for (let index = at; index < at + 4 && index < length; index++) bytes[index] = word >>> ((index - at) * 8)
    }
    return bytes
  }

  /** A uniform whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.float() * below)
  }

  /** A uniform number in [from, to). */
  between(from: number, to: number): number {
    return from + (to - from) * this.float()
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.float() < probability
  }

  /** Exponentially distributed around a mean: the gaps of a Poisson process. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float())
  }

  /** One of the items, each as likely; undefined of none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)]
  }

  /** `count` different items, or all of them, in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    const rest = [...items]
    const taken = Math.min(count, rest.length)
    for (let at = 0; at < taken; at++) {
      const other = at + this.below(rest.length - at)
      const item = rest[other] as T
      rest[other] = rest[at] as T
      rest[at] = item
    }
    return rest.slice(0, taken)
  }
}

/** A 32-bit hash of a text (FNV-1a, finished as in MurmurHash3). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
