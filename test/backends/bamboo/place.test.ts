/** Ownership on a ring without a network: random histories of joins, exchanges, deaths and delays. */
import fc from "fast-check"
import { expect, test } from "vitest"
import type { Place } from "../../../backends/bamboo/place.ts"
import { leavesOf } from "../../../backends/bamboo/leaf-set.ts"
import { begin, eldersOf, found, granted, isActive, isResponsible, ungranted, withMember, withoutMember } from "../../../backends/bamboo/place.ts"
import type { Id } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { byCloseness, evenId, memberOf, members } from "./arbitraries.ts"

/** An answer to an exchange, as it was given; it may arrive much later. */
interface Answer {
  readonly asker: Id
  readonly member: Member
  readonly hasLow: boolean
  readonly hasHigh: boolean
  readonly elderBefore: Member | undefined
  readonly elderAfter: Member | undefined
  readonly before: readonly Id[]
  readonly after: readonly Id[]
}

type Event = { readonly kind: "join" | "ask" | "deliver" | "crash" | "notice"; readonly a: number; readonly b: number }

class Ring {
  readonly places = new Map<Id, Place>()
  readonly dead = new Set<Id>()
  readonly #size: number
  readonly #waiting: Member[]
  readonly #answers: Answer[] = []

  constructor([founder, ...others]: readonly Member[], size = 4) {
    this.#size = size
    if (founder === undefined) throw new Error("nobody founds the ring")
    this.places.set(founder.id, found(founder.id, this.#size))
    this.#waiting = others
  }

  play({ kind, a, b }: Event): void {
    const ids = [...this.places.keys()]
    const first = ids[a % ids.length] ?? ""
    const second = ids[b % ids.length] ?? ""
    if (kind === "join") this.#join()
    if (kind === "ask" && first !== second) this.#answers.push(this.ask(first, second))
    if (kind === "deliver") this.deliver(this.#answers.splice(a % Math.max(1, this.#answers.length), 1)[0])
    if (kind === "crash" && this.active > 3) this.#crash(first)
    if (kind === "notice") for (const dead of this.dead) this.#change(first, (place) => withoutMember(place, dead))
  }

  get active(): number {
    return [...this.places.values()].filter(isActive).length
  }

  ownersOf(key: Id): Id[] {
    return [...this.places].filter(([, place]) => isResponsible(place, key)).map(([id]) => id)
  }

  /** Whom a peer asks for the records of its keys. */
  sourcesOf(id: Id): Id[] {
    const place = this.places.get(id)
    return place === undefined ? [] : [...leavesOf(place.leaves), ...eldersOf(place)].map((member) => member.id)
  }

  /** The request arrives, and is answered. */
  ask(asker: Id, asked: Id): Answer {
    const place = this.#change(asked, (known) => withMember(known, memberOf(asker)))
    const { low, high, elderBefore, elderAfter, leaves } = place
    return {
      asker, member: memberOf(asked), hasLow: low !== undefined, hasHigh: high !== undefined, elderBefore, elderAfter,
      before: leaves.before.map((leaf) => leaf.id), after: leaves.after.map((leaf) => leaf.id),
    }
  }

  deliver(answer: Answer | undefined): void {
    if (answer === undefined || !this.places.has(answer.asker)) return
    const { asker, member } = answer
    this.#change(asker, (place) => granted(withMember(place, member), member.id, answer))
  }

  /** Everybody hears of everybody, and asks for what is not granted, until nothing more happens. */
  settle(): void {
    for (const event of this.#waiting) this.places.set(event.id, begin(event.id, this.#size))
    this.#answers.length = 0
    for (const id of this.places.keys()) {
      for (const dead of this.dead) this.#change(id, (place) => withoutMember(place, dead))
      for (const other of this.places.keys()) if (other !== id) this.#change(id, (place) => withMember(place, memberOf(other)))
    }
    for (let round = 0; round <= this.places.size; round++) {
      for (const [id, place] of this.places) for (const leaf of ungranted(place)) this.deliver(this.ask(id, leaf.id))
    }
  }

  #join(): void {
    const joiner = this.#waiting.pop()
    if (joiner !== undefined) this.places.set(joiner.id, begin(joiner.id, this.#size))
  }

  #crash(id: Id): void {
    this.places.delete(id)
    this.dead.add(id)
  }

  #change(id: Id, change: (place: Place) => Place): Place {
    const place = change(this.places.get(id) ?? begin(id, this.#size))
    this.places.set(id, place)
    return place
  }
}

const events = fc.array(
  fc.record({
    kind: fc.constantFrom("join" as const, "ask" as const, "ask" as const, "ask" as const, "deliver" as const, "deliver" as const, "deliver" as const, "crash" as const, "notice" as const),
    a: fc.nat(1_000),
    b: fc.nat(1_000),
  }),
  { maxLength: 150, size: "max" },
)

test("a key never has two owners while nobody is wrongly taken for dead, whatever the order of events", () => {
  fc.assert(
    fc.property(members(2, 10), events, fc.array(evenId, { minLength: 20, maxLength: 20 }), (all, history, keys) => {
      const ring = new Ring(all)
      for (const event of history) {
        ring.play(event)
        for (const key of keys) expect(ring.ownersOf(key).length).toBeLessThanOrEqual(1)
      }
    }),
    { numRuns: 300 },
  )
})

test("whoever is granted a key knows somebody who had it, however many join at once and however short their lists are", () => {
  const exchanges = fc.array(fc.record({ a: fc.nat(1_000), b: fc.nat(1_000) }), { minLength: 100, maxLength: 200, size: "max" })
  fc.assert(
    fc.property(members(6, 10), exchanges, fc.array(evenId, { minLength: 10, maxLength: 10 }), (all, pairs, keys) => {
      const ring = new Ring(all, 1)
      const past = new Map(keys.map((key) => [key, new Set(ring.ownersOf(key))]))
      for (let joins = 1; joins < all.length; joins++) ring.play({ kind: "join", a: 0, b: 0 })
      for (const pair of pairs) {
        ring.play({ kind: "ask", ...pair })
        ring.play({ kind: "deliver", ...pair })
        for (const [key, owners] of past) {
          for (const owner of ring.ownersOf(key)) if (!owners.has(owner)) expect(ring.sourcesOf(owner).some((id) => owners.has(id))).toBe(true)
          for (const owner of ring.ownersOf(key)) owners.add(owner)
        }
      }
    }),
    { numRuns: 100 },
  )
})

test("in the end each key belongs to the closest member, if one that answered for keys has survived", () => {
  fc.assert(
    fc.property(members(2, 10), events, fc.array(evenId, { minLength: 20, maxLength: 20 }), (all, history, keys) => {
      const ring = new Ring(all)
      for (const event of history) ring.play(event)
      ring.settle()
      const live = [...ring.places.keys()].map(memberOf)
      for (const key of keys) expect(ring.ownersOf(key)).toEqual([byCloseness(key, live)[0]?.id])
    }),
    { numRuns: 200 },
  )
})
