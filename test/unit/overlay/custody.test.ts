import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Custody } from "../../../src/overlay/custody.ts"
import {
  compared, failed, isSettled, leadsForKey, leadsForRange, nothingInCustody, nothingOwed, surrounded, trailsFollowed, unsettledFor,
} from "../../../src/overlay/custody.ts"
import type { KeyRange, Member } from "../../../src/overlay/key-based-routing.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"

const keyCount = 12
const peerCount = 6
const keys = Array.from({ length: keyCount }, (_, at) => at.toString(16).padStart(3, "0").padEnd(40, "0"))
const members = Array.from({ length: peerCount }, (_, at) => memberOf({ peerId: `p${at}`, addresses: [] }))

const keyOf = (at: number): string => keys[at] ?? ""
const memberAt = (at: number): Member => members[at] ?? memberOf({ peerId: "none", addresses: [] })
/** The arc that holds this key alone. */
const arcOf = (key: number): KeyRange => ({ from: keyOf((key + keyCount - 1) % keyCount), to: keyOf(key) })

/** Peers that hand keys to one another and compare what they have; each key has one record, at first with its first owner. */
class Overlay {
  readonly owners = Array.from({ length: keyCount }, () => 0)
  readonly records = Array.from({ length: peerCount }, (_, peer) => new Set(peer === 0 ? keys : []))
  readonly custodies: Custody[] = Array.from({ length: peerCount }, () => nothingInCustody)
  readonly #neighbours = Array.from({ length: peerCount }, () => new Set<number>())

  constructor() {
    this.#look(0)
  }

  /** A peer's keys go to another, who knows at least the giver. */
  give(key: number, to: number): void {
    const from = this.owners[key] ?? 0
    if (from === to) return
    this.owners[key] = to
    this.#neighbours[to]?.add(from)
    this.#look(from)
    this.#look(to)
  }

  /** Somebody comes into a peer's sight, or is in it no more. */
  turn(peer: number, other: number): void {
    const neighbours = this.#neighbours[peer]
    if (peer === other || neighbours === undefined) return
    if (!neighbours.delete(other)) neighbours.add(other)
    this.#look(peer)
  }

  /** A peer compares all that it owes to the first whom it owes anything. */
  compare(peer: number): void {
    const custody = this.#custodyOf(peer)
    const source = [...custody.sources.values()].find(({ owed }) => owed.length > 0)
    if (source !== undefined) this.#compare(peer, source.member, source.owed.map(({ range }) => range))
  }

  /** A peer compares everything, as it does routinely, with everybody in its sight. */
  repair(peer: number): void {
    for (const other of this.#neighbours[peer] ?? []) this.#compare(peer, memberAt(other), this.#custodyOf(peer).ranges)
  }

  #compare(peer: number, member: Member, ranges: readonly KeyRange[]): void {
    const { changes } = this.#custodyOf(peer)
    const other = members.indexOf(member)
    for (const range of ranges) {
      for (const key of keys) if (inArc(range, key) && this.records[other]?.has(key) === true) this.records[peer]?.add(key)
      const leads = leadsForRange(this.#custodyOf(other), range, 0).filter((lead) => lead.member !== memberAt(peer))
      this.custodies[peer] = compared(this.#custodyOf(peer), member.peerId, range, changes, leads)
    }
  }

  /** Whether the key's record is found by going from its owner to whom each peer on the way has yet to ask. */
  isWithinReach(key: number): boolean {
    const reached = new Set([this.owners[key] ?? 0])
    for (const peer of reached) {
      if (this.records[peer]?.has(keyOf(key)) === true) return true
      for (const member of leadsForKey(this.#custodyOf(peer), keyOf(key), 0)) reached.add(members.indexOf(member))
    }
    return false
  }

  isSettled(): boolean {
    return this.custodies.every(isSettled)
  }

  #custodyOf(peer: number): Custody {
    return this.custodies[peer] ?? nothingInCustody
  }

  #look(peer: number): void {
    const ranges = keys.flatMap((_, key) => (this.owners[key] === peer ? [arcOf(key)] : []))
    const neighbours = [...(this.#neighbours[peer] ?? [])].map(memberAt)
    this.custodies[peer] = surrounded(this.#custodyOf(peer), ranges, neighbours, 0)
  }
}

function inArc(range: KeyRange, key: string): boolean {
  return range.from < range.to ? key > range.from && key <= range.to : key > range.from || key <= range.to
}

const peer = fc.nat(peerCount - 1)
const step = fc.oneof(
  fc.record({ kind: fc.constant("give" as const), key: fc.nat(keyCount - 1), to: peer }),
  fc.record({ kind: fc.constant("turn" as const), peer, other: peer }),
  fc.record({ kind: fc.constant("compare" as const), peer }),
  fc.record({ kind: fc.constant("repair" as const), peer }),
)

function play(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): Overlay {
  const overlay = new Overlay()
  for (const one of steps) {
    if (one.kind === "give") overlay.give(one.key, one.to)
    else if (one.kind === "turn") overlay.turn(one.peer, one.other)
    else if (one.kind === "compare") overlay.compare(one.peer)
    else overlay.repair(one.peer)
  }
  return overlay
}

describe("the chain of custody", () => {
  it("leads from each key's owner to its record, however fast keys change hands", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const overlay = play(steps)
      expect(keys.map((_, key) => overlay.isWithinReach(key))).not.toContain(false)
    }), { numRuns: 2_000 })
  })

  it("comes to an end: once keys stay, comparing settles everything, and owners have their records", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const overlay = play(steps)
      for (let round = 0; round < 20 * peerCount && !overlay.isSettled(); round++) {
        for (let at = 0; at < peerCount; at++) overlay.compare(at)
      }
      expect(overlay.isSettled()).toBe(true)
      expect(keys.map((key, at) => overlay.records[overlay.owners[at] ?? 0]?.has(key))).not.toContain(false)
      // Also as long as others remember whom they would have asked.
      for (let at = 0; at < peerCount; at++) overlay.repair(at)
      expect(overlay.isSettled()).toBe(true)
    }), { numRuns: 500 })
  })
})

describe("a peer's custody", () => {
  const [a, b, c] = [memberAt(0), memberAt(1), memberAt(2)]
  const [first, second] = [arcOf(1), arcOf(2)]

  it("is the same object while the routing says the same", () => {
    const custody = surrounded(nothingInCustody, [first], [a], 0)
    expect(surrounded(custody, custody.ranges, custody.neighbours, 1)).toBe(custody)
  })

  it("is not settled by an answer to a question that was put before the key came", () => {
    const before = surrounded(nothingInCustody, [first], [a], 0)
    const lost = surrounded(before, [second], [a], 0)
    const regained = surrounded(lost, [first, second], [a], 0)
    expect(unsettledFor(compared(regained, a.peerId, first, before.changes, []), first.to)).toEqual([a])
    expect(unsettledFor(compared(regained, a.peerId, first, regained.changes, []), first.to)).toEqual([])
  })

  it("names whom it would have asked about keys that it gave up, for a minute", () => {
    const had = surrounded(nothingInCustody, [first], [a], 0)
    const gave = surrounded(had, [], [b], 1_000)
    expect(leadsForKey(gave, first.to, 60_000)).toEqual([a])
    expect(leadsForRange(gave, first, 60_000)).toEqual([{ member: a, ranges: [first] }])
    expect(leadsForKey(gave, first.to, 61_001)).toEqual([])
    expect(leadsForKey(trailsFollowed(gave, gave.trails, [{ member: c, ranges: [first] }]), first.to, 60_000)).toEqual([c])
  })

  it("asks whoever comes into sight, but waits for nobody of whom it could learn nothing new", () => {
    const known = compared(surrounded(nothingInCustody, [first], [a], 0), a.peerId, first, 1, [])
    const met = surrounded(known, [first, second], [a, b], 0)
    expect([unsettledFor(met, first.to), unsettledFor(met, second.to)]).toEqual([[], [a, b]])
    expect(met.sources.get(b.peerId)?.owed.map(({ range }) => range)).toEqual([first, second])
    // Nor does it tell others to.
    expect(leadsForRange(met, first, 0)).toEqual([])
    const back = surrounded(surrounded(met, [], [a, b], 0), [first], [a, b], 0)
    expect(unsettledFor(back, first.to)).toEqual([a, b])
  })

  it("waits for whoever comes into sight as long as somebody has not told what it should have", () => {
    const doubted = failed(surrounded(nothingInCustody, [first], [a], 0), a.peerId)
    expect(unsettledFor(doubted, first.to)).toEqual([])
    const met = surrounded(doubted, [first, second], [b], 0)
    expect([unsettledFor(met, first.to), unsettledFor(met, second.to)]).toEqual([[b], [b]])
    const answered = compared(met, b.peerId, first, 2, [])
    expect(unsettledFor(surrounded(answered, [first], [b, c], 0), first.to)).toEqual([c])
  })

  it("waits for no silent neighbour, and forgets whoever is none and fails", () => {
    const asked = compared(surrounded(nothingInCustody, [first], [a], 0), a.peerId, second, 1, [])
    const named = compared(surrounded(asked, [first, second], [a], 0), a.peerId, first, 2, [{ member: b, ranges: [first] }])
    expect(unsettledFor(named, first.to)).toEqual([b])
    const without = failed(failed(named, b.peerId), a.peerId)
    expect(isSettled(without)).toBe(true)
    expect([...without.sources.keys()]).toEqual([a.peerId])
    expect(isSettled(nothingOwed(named))).toBe(true)
  })
})
