import fc from "fast-check"
import { expect, test } from "vitest"
import { ringSize } from "../../../backends/ssr/address.ts"
import { maxRouteLength, packetTypes, payloadTypes, sourceOf } from "../../../backends/ssr/packet.ts"
import type { Packet } from "../../../backends/ssr/packet.ts"
import { ledBy, restored, straightened } from "../../../backends/ssr/packet-steps.ts"
import { RouteCache } from "../../../backends/ssr/route-cache.ts"
import { extend, join } from "../../../backends/ssr/route.ts"

/** Few enough nodes that routes meet. */
const node = fc.integer({ min: 1, max: 12 })
const route = fc.uniqueArray(node, { minLength: 1, maxLength: 8 })
const meeting = fc.tuple(route, route).map(([first, rest]): [number[], number[]] => {
  const end = first.at(-1) as number
  return [first, [end, ...rest.filter((address) => address !== end)]]
})

const links = (way: readonly number[]): string[] => way.slice(1).map((address, at) => `${way[at]}-${address}`)

test("two routes in a row use their links alone, without a circle", () => {
  fc.assert(
    fc.property(meeting, ([first, second]) => {
      const way = join(first, second)
      expect(way[0]).toBe(first[0])
      expect(way.at(-1)).toBe(second.at(-1))
      expect(new Set(way).size).toBe(way.length)
      const known = new Set([...links(first), ...links(second)])
      for (const link of links(way)) expect(known).toContain(link)
    }),
  )
})

test("a packet whose route is extended gets to its end by links that exist", () => {
  fc.assert(
    fc.property(meeting, ([travelled, onward]) => {
      const here = travelled.at(-1) as number
      const { stub, route: way, hop } = extend(travelled, onward)
      const walked = [here, ...stub, ...way.slice(hop + 1)]
      // From here, over the stub, on to the end.
      expect(stub.at(-1) ?? here).toBe(way[hop])
      expect(walked).toEqual(onward)
      expect(way[0]).toBe(travelled[0])
      expect(new Set(way).size).toBe(way.length)
    }),
  )
})

test("a route that grows too long begins later, and the packet says itself whose it is", () => {
  const step = fc.record({ length: fc.integer({ min: 1, max: 200 }) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
      let packet: Packet = { type: packetTypes.connect, stub: [], route: [0], hop: 0, destination: 9_999, payloadType: payloadTypes.application, payload: new Uint8Array(0) }
      let last = 0
      for (const { length } of steps) {
        const onward = Array.from({ length: length + 1 }, (_, at) => last + at)
        last += length
        const led = ledBy(packet, extend(packet.route, onward))
        expect(led.route.slice(led.hop)).toEqual(onward)
        expect(sourceOf(led)).toBe(0)
        expect(led.route.length).toBeLessThanOrEqual(maxRouteLength)
        expect(led.origin === undefined).toBe(led.route[0] === 0)
        packet = { ...led, hop: led.route.length - 1 }
      }
    }),
  )
})

test("a packet whose route has forgotten its source names it again by a way that is known, unless that meets where it goes or is too long", () => {
  const way = fc.uniqueArray(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(way, way, way, (back, before, after) => {
      const [here] = back as [number, ...number[]]
      const ahead = after.filter((address) => address !== here)
      const route = [...before.filter((address) => address !== here && !ahead.includes(address)), here, ...ahead]
      const packet: Packet = { type: packetTypes.connect, stub: [], route, hop: route.indexOf(here), destination: 9_999, payloadType: payloadTypes.application, origin: back.at(-1) as number, payload: new Uint8Array(0) }
      const whole = restored(packet, back)
      const meets = back.some((address) => ahead.includes(address))
      if (meets || back.length + ahead.length > maxRouteLength) return void expect(whole).toBe(packet)
      expect(whole.origin).toBeUndefined()
      expect(sourceOf(whole)).toBe(packet.origin)
      expect(whole.route.slice(0, whole.hop + 1)).toEqual(back.toReversed())
      expect(whole.route.slice(whole.hop + 1)).toEqual(ahead)
    }),
  )
})

test("a way that comes back near to where it was is cut short by links that are known", () => {
  const ways: Record<number, number[]> = { 2: [9, 2], 5: [9, 8, 5], 1: [9, 3, 1] }
  const straight = straightened([1, 2, 3, 4, 5, 6, 7, 8, 9], (address) => ways[address] && ways[address].length - 1, (address) => ways[address])
  // By way of 2 it would be as long.
  expect(straight).toEqual([1, 3, 9])
  expect(straightened([1, 2, 3], () => undefined, () => undefined)).toEqual([1, 2, 3])
  // A way that meets the route again is none.
  expect(straightened([1, 2, 3, 4, 5, 6, 7, 9], (address) => (address === 4 ? 2 : undefined), () => [9, 2, 4])).toEqual([1, 2, 3, 4, 5, 6, 7, 9])
})

const walks = fc.array(fc.uniqueArray(fc.integer({ min: 2, max: 40 }), { minLength: 1, maxLength: 6 }), { maxLength: 40 })

test("whatever a cache has learned, its ways begin here, use links that it was told of, and are no longer than any way it was told", () => {
  fc.assert(
    fc.property(walks, (told) => {
      const cache = new RouteCache(1, 1_000)
      const known = new Set<string>()
      const shortest = new Map<number, number>()
      for (const walk of told) {
        const way = [1, ...walk]
        cache.learn(way)
        for (const link of links(way)) known.add(link)
        way.forEach((address, at) => shortest.set(address, Math.min(shortest.get(address) ?? Infinity, at)))
      }
      for (const address of cache.addresses()) {
        const way = cache.routeTo(address) ?? []
        expect(way[0]).toBe(1)
        expect(way.at(-1)).toBe(address)
        expect(way.length - 1).toBe(cache.hopsTo(address))
        expect(way.length - 1).toBeLessThanOrEqual(shortest.get(address) ?? 0)
        for (const link of links(way)) expect(known).toContain(link)
      }
    }),
  )
})

test("a broken link takes with it what lay behind", () => {
  const cache = new RouteCache(1, 100)
  cache.learn([1, 2, 3, 4])
  cache.learn([1, 5, 4])
  expect(cache.forgetLink(3, 2)).toBe(true)
  expect([...cache.addresses()].sort()).toEqual([2, 4, 5])
  expect(cache.forgetLink(3, 2)).toBe(false)
})

test("behind a broken link nothing is lost where another neighbour has a link to its far end", () => {
  const cache = new RouteCache(1, 100)
  cache.learn([1, 2, 3, 4])
  cache.learn([1, 5])
  cache.learn([1, 5, 6])
  expect(cache.forgetLink(1, 2, () => 5)).toBe(false)
  expect(cache.routeTo(4)).toEqual([1, 5, 2, 3, 4])
  // No neighbour, or the far end itself, helps nobody.
  expect(cache.forgetLink(5, 2, () => 6)).toBe(true)
  cache.learn([1, 7, 8])
  expect(cache.forgetLink(1, 7, () => 7)).toBe(true)
  expect([...cache.addresses()].sort()).toEqual([5, 6])
})

test("a full cache keeps its links, what it holds, and nodes near and far on the ring", () => {
  const cache = new RouteCache(0, 60)
  cache.learn([0, 7])
  cache.learn([0, 7, 11])
  cache.hold([11])
  for (let at = 1; at <= 2_000; at++) cache.learn([0, 7, Math.floor((ringSize / 2_001) * at)])
  expect(cache.size).toBe(60)
  expect(cache.knows(7) && cache.knows(11)).toBe(true)
  const quarters = new Set([...cache.addresses()].map((address) => Math.floor((address / ringSize) * 4)))
  expect(quarters.size).toBe(4)
})

test("a full cache keeps the ways to those that this node itself talks to, the latest first, in a quarter of its room", () => {
  const cache = new RouteCache(0, 40)
  const [early, late, unknown] = [11, 12, 13]
  cache.learn([0, 1, 2, 3, 4, early])
  for (const address of [early, late, unknown]) cache.keep(address)
  cache.learn([0, 1, 5, 6, late])
  for (let at = 1_000; at < 2_000; at++) cache.learn([0, 1, at])
  expect([early, late].map((address) => cache.hopsTo(address))).toEqual([5, 4])
  expect(cache.size).toBe(40)
  cache.learn([0, 1, 7, 8, 9, unknown])
  for (let at = 2_000; at < 3_000; at++) cache.learn([0, 1, at])
  expect([early, late, unknown].map((address) => cache.knows(address))).toEqual([false, true, true])
})

test("whatever a cache learns, holds and keeps, it has no more than its bound and what is held", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 12 })), { maxLength: 80 })
  fc.assert(
    fc.property(steps, (taken) => {
      const cache = new RouteCache(0, 40)
      const links = new Set<number>()
      for (const [isKept, way] of taken) {
        const [link = 1] = way
        cache.learn([0, ...way])
        if (cache.hopsTo(link) === 1) links.add(link)
        if (isKept) cache.keep(way.at(-1) as number)
        expect(cache.size).toBeLessThanOrEqual(40 + links.size)
      }
    }),
  )
})

test("towards a destination: only nearer nodes, and of those about as near the one with the shortest way", () => {
  const cache = new RouteCache(0, 100)
  cache.learn([0, 400])
  cache.learn([0, 1, 2, 450])
  cache.learn([0, 600])
  expect(cache.towards(500, 500)).toBe(400)
  expect(cache.towards(500, 60)).toBe(450)
  expect(cache.towards(500, 50)).toBeUndefined()
  expect(cache.towards(500, 500, (address) => address === 400)).toBe(450)
})
