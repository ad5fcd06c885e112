import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ByteReader } from "../../../src/codec.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import {
  decodeGossip, decodeSyncReply, decodeSyncRequest, encodeGossip, encodeSyncReply, encodeSyncRequest, entryBytes,
} from "../../../src/overlay/membership-messages.ts"
import type { MembershipEntry } from "../../../src/overlay/membership-table.ts"
import { MembershipTable, bucketCount, maxIncarnation } from "../../../src/overlay/membership-table.ts"
import { RumourQueue } from "../../../src/overlay/rumour-queue.ts"

const names = ["ann", "ben", "cat", "dan", "eve", "fay"]

const entries = fc.array(
  fc.record({
    member: fc
      .record({ peerId: fc.constantFrom(...names), addresses: fc.subarray(["/sim/a", "/sim/b"]) })
      .map((address) => memberOf(address)),
    status: fc.constantFrom("alive" as const, "dead" as const, "left" as const),
    incarnation: fc.integer({ min: 0, max: 3 }),
  }),
  { maxLength: 30 },
)

function tableOf(told: readonly MembershipEntry[], maxMembers = 100): MembershipTable {
  const table = new MembershipTable(memberOf({ peerId: "self", addresses: [] }), 1, maxMembers)
  for (const entry of told) table.merge(entry)
  return table
}

const contents = (table: MembershipTable) => names.map((name) => table.get(name))
const alive = (peerId: string, incarnation = 1): MembershipEntry => ({
  member: memberOf({ peerId, addresses: [] }),
  status: "alive",
  incarnation,
})

describe("merging tables", () => {
  test("comes to the same whatever the order in which things are heard", () => {
    fc.assert(
      fc.property(entries, fc.func(fc.integer()), (told, rank) => {
        const shuffled = told.map((entry, at) => ({ entry, rank: rank(at) })).sort((a, b) => a.rank - b.rank)
        const one = tableOf(told)
        const other = tableOf(shuffled.map(({ entry }) => entry))
        expect(contents(other)).toEqual(contents(one))
        expect(other.digest).toBe(one.digest)
      }),
    )
  })

  test("twice changes nothing", () => {
    fc.assert(
      fc.property(entries, (told) => {
        const table = tableOf(told)
        const before = contents(table)
        expect(told.map((entry) => table.merge(entry)).filter((news) => news !== undefined)).toEqual([])
        expect(contents(table)).toEqual(before)
      }),
    )
  })

  test("keeps the live members sorted, each once, and the digests those of a table told only the outcome", () => {
    fc.assert(
      fc.property(entries, (told) => {
        const table = tableOf(told)
        const ids = table.alive.map(({ id }) => id)
        expect(ids).toEqual([...new Set(ids)].sort())
        const outcome = contents(table).filter((entry) => entry !== undefined)
        expect(ids).toHaveLength(1 + outcome.filter(({ status }) => status === "alive").length)
        expect([...tableOf(outcome).bucketDigests]).toEqual([...table.bucketDigests])
      }),
    )
  })
})

describe("an entry", () => {
  test("of the dead does not come to life again in the same incarnation, but in a later one", () => {
    const table = tableOf([alive("ann"), { ...alive("ann"), status: "dead" }])
    expect(table.merge(alive("ann"))).toBeUndefined()
    expect(table.isAlive("ann")).toBe(false)
    expect(table.merge(alive("ann", 2))).toBeDefined()
    expect(table.isAlive("ann")).toBe(true)
  })

  test("about this peer is refuted unless it is true", () => {
    const table = tableOf([])
    const { self } = table
    expect(table.merge(self)).toBeUndefined()
    expect(table.merge({ ...self, status: "dead" })).toEqual({ ...self, incarnation: 2 })
    expect(table.merge({ ...self, incarnation: 9 })).toEqual({ ...self, incarnation: 10 })
    expect(table.merge({ ...self, status: "left" })).toBeUndefined()
    expect(table.alive).toEqual([self.member])
  })

  test("with an incarnation beyond all bounds is ignored", () => {
    const table = tableOf([])
    expect(table.merge(alive("ann", maxIncarnation + 1))).toBeUndefined()
    expect(table.merge({ ...table.self, incarnation: maxIncarnation })).toBeUndefined()
    expect(table.self.incarnation).toBe(1)
  })

  test("beyond the table's room is noticed, not kept", () => {
    const table = tableOf(names.map((name) => alive(name)), 4)
    expect(table.alive).toHaveLength(4)
    expect(table.isOverfull).toBe(true)
    table.clearOverfull()
    expect(table.isOverfull).toBe(true)
    for (const { member, incarnation } of names.map((name) => alive(name))) {
      table.merge({ member, incarnation, status: "dead" })
    }
    expect(table.alive).toHaveLength(1)
    expect([...table.gone]).toHaveLength(4)
    table.clearOverfull()
    expect(table.isOverfull).toBe(false)
  })
})

describe("walking the ring", () => {
  const table = tableOf(names.map((name) => alive(name)))
  const order = table.alive

  test("finds who follows and who precedes a key, past the end and the excluded", () => {
    order.forEach((member, at) => {
      const after = [...order.slice(at), ...order.slice(0, at)]
      expect(table.successorsOf(member.id, 9)).toEqual(after)
      expect(table.successorsOf(member.id, 2, new Set([member.peerId]))).toEqual(after.slice(1, 3))
      expect(table.predecessorsOf(member.id, 3)).toEqual(after.slice(-3).reverse())
    })
    expect(table.successorsOf("f".repeat(40), 1)).toEqual([order[0]])
    expect(table.predecessorsOf("0".repeat(40), 1)).toEqual([order.at(-1)])
  })
})

describe("frames", () => {
  const frame = fc.record({ digest: fc.integer({ min: 0, max: 2 ** 32 - 1 }), entries })

  test("say what they were made from, in no fewer bytes than estimated", () => {
    fc.assert(
      fc.property(frame, (gossip) => {
        const bucketDigests = Uint32Array.from({ length: bucketCount }, (_, at) => at * gossip.digest)
        const buckets = Uint8Array.of(1, 5)
        expect(decodeGossip(new ByteReader(encodeGossip(gossip)))).toEqual(gossip)
        expect(decodeSyncRequest(new ByteReader(encodeSyncRequest({ ...gossip, bucketDigests })))).toEqual({ ...gossip, bucketDigests })
        expect(decodeSyncReply(new ByteReader(encodeSyncReply({ ...gossip, buckets })))).toEqual({ ...gossip, buckets })
        const estimate = gossip.entries.reduce((sum, entry) => sum + entryBytes(entry), 0)
        expect(encodeGossip(gossip).length).toBeLessThanOrEqual(estimate + 5)
      }),
    )
  })

  test("that do not decode are refused as such", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of [decodeGossip, decodeSyncRequest, decodeSyncReply]) {
          try {
            decode(new ByteReader(bytes))
          } catch (error) {
            expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
          }
        }
      }),
    )
  })
})

describe("a queue of rumours", () => {
  test("tells each piece as often as asked, the newest first, and drops what finds no room", () => {
    const queue = new RumourQueue(2)
    queue.add(alive("ann"), 1)
    queue.add(alive("ben"), 2)
    queue.add(alive("cat"), 2)
    expect(queue.dropped).toBe(1)
    const told = Array.from({ length: 3 }, () => queue.take(1).map(({ member }) => member.peerId))
    expect(told).toEqual([["ben"], ["ann"], ["ben"]])
    expect(queue.size).toBe(0)
  })
})
