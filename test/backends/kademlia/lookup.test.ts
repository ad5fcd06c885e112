import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ContactTable } from "../../../backends/kademlia/contact-table.ts"
import type { LookupResult } from "../../../backends/kademlia/lookup.ts"
import { lookUp } from "../../../backends/kademlia/lookup.ts"
import { Shortlist } from "../../../backends/kademlia/shortlist.ts"
import { idOfKey } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { byDistance, evenId, memberOf, members } from "./arbitraries.ts"

interface Network {
  readonly peers: readonly Member[]
  readonly tables: ReadonlyMap<string, ContactTable>
}

const k = 8

/** Peers that know as many of each other as their buckets hold, and do not change any more. */
function staticNetwork(peers: readonly Member[]): Network {
  const tables = new Map(
    peers.map((self) => {
      const table = new ContactTable(self.id, k)
      for (const peer of peers) table.heard(peer, 0)
      return [self.peerId, table] as const
    }),
  )
  return { peers, tables }
}

interface Watched {
  readonly result: LookupResult
  readonly asked: readonly string[]
  readonly mostUnderWay: number
}

async function lookUpIn(network: Network, self: Member, key: string, how: { alpha?: number; paths?: number; dead?: ReadonlySet<string> } = {}): Promise<Watched> {
  const asked: string[] = []
  let underWay = 0
  let mostUnderWay = 0
  let turn = 0
  const ask = async (member: Member) => {
    asked.push(member.peerId)
    mostUnderWay = Math.max(mostUnderWay, ++underWay)
    // Answers come in another order than the questions.
    for (let ticks = (turn++ * 7) % 5; ticks >= 0; ticks--) await Promise.resolve()
    underWay--
    if (how.dead?.has(member.peerId) === true) return { kind: "dead", code: "P2PSIP_TIMEOUT" } as const
    return { kind: "answered", answer: network.tables.get(member.peerId)?.closest(key, k) ?? [] } as const
  }
  const starts = network.tables.get(self.peerId)?.closest(key, 4) ?? []
  const settings = { k, alpha: how.alpha ?? 3, disjointPaths: how.paths ?? 1 }
  const result = await lookUp({ self: self.id, ask }, key, starts, settings)
  return { result, asked, mostUnderWay }
}

const idsOf = (all: readonly Member[]): string[] => all.map(({ id }) => id)

/** Up to 80 peers, a key, and who looks it up. */
const scene = fc.record({ peers: members(2, 80, evenId), key: evenId, alpha: fc.integer({ min: 1, max: 6 }), paths: fc.integer({ min: 1, max: 4 }) })

describe("a look-up", () => {
  test("finds the k peers that are closest to the key", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ peers, key, alpha, paths }) => {
        const [self] = peers as [Member]
        const { result } = await lookUpIn(staticNetwork(peers), self, key, { alpha, paths })
        expect(idsOf(result.closest)).toEqual(idsOf(byDistance(key, peers.filter((peer) => peer !== self)).slice(0, k)))
      }),
      { numRuns: 60 },
    )
  })

  test("never has more than alpha questions under way, and asks nobody twice, on whatever path", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ peers, key, alpha, paths }) => {
        const [self] = peers as [Member]
        const { asked, mostUnderWay } = await lookUpIn(staticNetwork(peers), self, key, { alpha, paths })
        expect(mostUnderWay).toBeLessThanOrEqual(Math.max(alpha, paths))
        expect(new Set(asked).size).toBe(asked.length)
        expect(asked).not.toContain(self.peerId)
      }),
      { numRuns: 60 },
    )
  })

  test("finds the closest of those that live, though a third is dead, and asks none of the dead twice", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ peers, key, alpha }) => {
        const [self, ...others] = peers as [Member, ...Member[]]
        const dead = new Set(others.filter((_peer, at) => at % 3 === 1).map(({ peerId }) => peerId))
        const { result, asked } = await lookUpIn(staticNetwork(peers), self, key, { alpha, dead })
        expect(new Set(asked).size).toBe(asked.length)
        for (const { peerId } of result.closest) expect(dead).not.toContain(peerId)
        for (const peerId of result.failures.keys()) expect(dead).toContain(peerId)
        const living = byDistance(key, others.filter(({ peerId }) => !dead.has(peerId)))
        // Nobody answers with more than k names, some of them dead; the closest of all is found nevertheless.
        if (result.closest.length >= 3) expect(result.closest[0]?.id).toBe(living[0]?.id)
      }),
      { numRuns: 60 },
    )
  })

  test("a peer that names only liars misleads no other path", async () => {
    const peers = Array.from({ length: 60 }, (_, at) => memberOf(((at * 0x9e3779b1) >>> 0).toString(16).padStart(8, "0").padEnd(40, "5")))
    const network = staticNetwork(peers)
    const [self] = peers as [Member]
    const key = "7".repeat(40)
    const [honest] = byDistance(key, peers) as [Member]
    const starts = byDistance(key, peers.filter((peer) => peer !== self && peer !== honest)).slice(20, 22)
    const [liar] = starts as [Member]
    const liars = Array.from({ length: 8 }, (_, at) => memberOf(key.slice(0, 39) + at.toString(16)))
    const isLying = (member: Member): boolean => member === liar || liars.includes(member)
    const ask = async (member: Member) =>
      ({ kind: "answered", answer: isLying(member) ? liars : (network.tables.get(member.peerId)?.closest(key, k) ?? []) }) as const
    const path = await lookUp({ self: self.id, ask }, key, starts, { k, alpha: 2, disjointPaths: 1 })
    expect(idsOf(path.closest)).not.toContain(honest.id)
    const asked = new Set<string>()
    const watch = async (member: Member) => {
      asked.add(member.peerId)
      return ask(member)
    }
    await lookUp({ self: self.id, ask: watch }, key, starts, { k, alpha: 2, disjointPaths: 2 })
    expect(asked).toContain(honest.peerId)
  })

  test("over eight paths reaches the owner though 20 % of the peers name only accomplices beside the key; over one it often does not", async () => {
    const peers = Array.from({ length: 300 }, (_, at) => memberOf(idOfKey(Buffer.from(`peer ${at}`))))
    const network = staticNetwork(peers)
    const liars = new Set(peers.filter((_peer, at) => at % 5 === 0).map(({ peerId }) => peerId))
    const reached = async (paths: number): Promise<number> => {
      let right = 0
      for (let each = 0; each < 200; each++) {
        const key = idOfKey(Buffer.from(`key ${each}`))
        const accomplices = Array.from({ length: k }, (_, at) => memberOf(key.slice(0, 38) + (16 + at).toString(16)))
        const self = peers[5 * (each % 60) + 1] as Member
        const [owner] = byDistance(key, peers.filter((peer) => peer !== self && !liars.has(peer.peerId)))
        const asked = new Set<string>()
        const ask = async (member: Member) => {
          asked.add(member.peerId)
          const isLying = liars.has(member.peerId) || accomplices.includes(member)
          return { kind: "answered", answer: isLying ? accomplices : (network.tables.get(member.peerId)?.closest(key, k) ?? []) } as const
        }
        const starts = network.tables.get(self.peerId)?.closest(key, Math.max(3, paths)) ?? []
        await lookUp({ self: self.id, ask }, key, starts, { k, alpha: 3, disjointPaths: paths })
        if (owner !== undefined && asked.has(owner.peerId)) right++
      }
      return right / 200
    }
    const [one, eight] = [await reached(1), await reached(8)]
    expect(eight).toBeGreaterThanOrEqual(0.97)
    expect(one).toBeLessThan(eight)
  })

  test("ends when it is told to", async () => {
    const peers = Array.from({ length: 30 }, (_, at) => memberOf(at.toString(16).padStart(2, "0").padEnd(40, "0")))
    const controller = new AbortController()
    let asked = 0
    const ask = async () => {
      if (++asked === 3) controller.abort()
      return { kind: "answered", answer: peers } as const
    }
    await lookUp({ self: "f".repeat(40), ask, signal: controller.signal }, "0".repeat(40), peers.slice(-1), { k, alpha: 1, disjointPaths: 1 })
    expect(asked).toBe(3)
  })
})

describe("the shortlist", () => {
  const key = "0".repeat(40)
  const [a, b, c] = ["1", "2", "3"].map((digit) => memberOf(digit.padEnd(40, "0"))) as [Member, Member, Member]

  test("hands out each once, the closest first", () => {
    const list = new Shortlist(key, 3)
    list.add([c, a, b, a])
    expect([list.next(), list.next(), list.next(), list.next()]).toEqual([a, b, c, undefined])
  })

  test("brings back whom a peer kept off that fails", () => {
    const list = new Shortlist(key, 2)
    list.add([c, b])
    expect(list.next()).toBe(b)
    list.add([a])
    expect(list.members).toEqual([a, b])
    list.fail(b)
    expect(list.members).toEqual([a, c])
    expect([list.next(), list.next(), list.next()]).toEqual([a, c, undefined])
  })
})
