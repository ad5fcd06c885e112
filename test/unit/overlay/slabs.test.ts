import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Ref } from "../../../src/overlay/slabs.ts"
import { Slabs, unitBytes } from "../../../src/overlay/slabs.ts"

const slabBytes = 256 * 1024

/** Blocks whose content says whose they are, and where each of them is now. */
class Blocks {
  readonly refs = new Map<number, Ref>()
  readonly slabs: Slabs = new Slabs((from, to) => {
    const name = this.#nameAt(to)
    if (this.refs.get(name) !== from) throw new Error(`block ${name} was not where it is said to come from`)
    this.refs.set(name, to)
  })
  readonly #names: number[] = []
  #lastName = 0

  add(units: number): void {
    const ref = this.slabs.allocate(units)
    const name = ++this.#lastName
    const { words } = this.slabs.slabOf(ref)
    const first = Slabs.offsetOf(ref) * 2
    words.fill(name, first + 1, first + units * 2)
    this.refs.set(name, ref)
    this.#names.push(name)
  }

  /** Frees one of those that are, whichever `choice` comes to. */
  remove(choice: number): void {
    const last = this.#names.pop()
    if (last === undefined) return
    const at = choice % (this.#names.length + 1)
    const name = this.#names[at] ?? last
    if (name !== last) this.#names[at] = last
    this.slabs.free(this.refs.get(name) ?? 0)
    this.refs.delete(name)
  }

  /** Throws unless each block is as it was written. Gives the bytes of all of them. */
  check(): number {
    let bytes = 0
    for (const [name, ref] of this.refs) {
      const units = this.slabs.unitsOf(ref)
      const first = Slabs.offsetOf(ref) * 2
      const content = this.slabs.slabOf(ref).words.subarray(first + 1, first + units * 2)
      if (!content.every((word) => word === name)) throw new Error(`block ${name} has been overwritten`)
      bytes += units * unitBytes
    }
    return bytes
  }

  #nameAt(ref: Ref): number {
    return this.slabs.slabOf(ref).words[Slabs.offsetOf(ref) * 2 + 1] ?? 0
  }
}

/** Small ones, middling ones, and now and then one that is larger than a slab. */
const size = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }) }, { weight: 4, arbitrary: fc.integer({ min: 1000, max: 8000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 8192, max: 40_000 }) })
const step = fc.oneof({ weight: 3, arbitrary: size.map((units) => ({ units })) }, { weight: 2, arbitrary: fc.nat().map((choice) => ({ choice })) })

describe("Slabs", () => {
  it("keeps every block as it was written, however others come, go and are moved", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const blocks = new Blocks()
      for (const one of steps) {
        if ("units" in one) blocks.add(one.units)
        else blocks.remove(one.choice)
      }
      // Cleaning comes with allocating.
      for (let each = 0; each < 50; each++) blocks.add(1)
      // Holes may be a quarter of the whole, and so may be the ends of slabs into which nothing fitted.
      expect(blocks.slabs.bytes).toBeLessThanOrEqual(2 * blocks.check() + 4 * slabBytes)
    }), { numRuns: 150 })
  })

  it("takes no more than a third beyond what is in it while everything in it is replaced by larger blocks again and again", () => {
    const blocks = new Blocks()
    for (let each = 0; each < 10_000; each++) blocks.add(40)
    for (let each = 0; each < 30_000; each++) {
      blocks.remove(each * 7919)
      blocks.add(40 + (each % 20))
      if (each % 10_000 === 0) expect(blocks.slabs.bytes).toBeLessThan(blocks.check() * 1.34 + 2 * slabBytes)
    }
    expect(blocks.refs.size).toBe(10_000)
    blocks.check()
  })

  it("begins small, and gives everything back but what is open", () => {
    const blocks = new Blocks()
    blocks.add(10)
    expect(blocks.slabs.bytes).toBe(4096)
    for (let each = 0; each < 5000; each++) blocks.add(100)
    while (blocks.refs.size > 0) blocks.remove(0)
    expect(blocks.slabs.bytes).toBeLessThanOrEqual(slabBytes)
  })
})
