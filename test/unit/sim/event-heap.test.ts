import fc from "fast-check"
import { expect, test } from "vitest"
import { EventHeap } from "../../../src/sim/event-heap.ts"
import type { SimEvent } from "../../../src/sim/event-heap.ts"

class Marked implements SimEvent {
  isCancelled = false
  readonly time: number
  readonly order: number
  constructor(time: number, order: number) {
    this.time = time
    this.order = order
  }
  fire(): void {}
}

function drain(heap: EventHeap): Marked[] {
  const events: Marked[] = []
  for (let event = heap.pop(); event !== undefined; event = heap.pop()) events.push(event as Marked)
  return events
}

test("events come out by time, and those of one time in the order in which they went in", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const heap = new EventHeap()
      const events = times.map((time, order) => new Marked(time, order))
      for (const event of events) heap.push(event.time, event)
      const sorted = [...events].sort((a, b) => a.time - b.time || a.order - b.order)
      expect(drain(heap)).toEqual(sorted)
    }),
  )
})

test("pushing and popping by turns keeps the order", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(1000), { nil: undefined })), (steps) => {
      const heap = new EventHeap()
      let model: Marked[] = []
      let order = 0
      for (const time of steps) {
        if (time === undefined) {
          model = model.sort((a, b) => a.time - b.time || a.order - b.order)
          expect(heap.pop()).toBe(model.shift())
        } else {
          const event = new Marked(time, order++)
          model.push(event)
          heap.push(time, event)
        }
      }
    }),
  )
})

test("cancelled events are swept out when they are the majority, and the rest keeps its order", () => {
  const heap = new EventHeap()
  const events = Array.from({ length: 10_000 }, (_, order) => new Marked((order * 7919) % 1000, order))
  for (const event of events) heap.push(event.time, event)
  for (const event of events) {
    if (event.order % 10 === 0) continue
    event.isCancelled = true
    heap.noteCancelled()
  }
  expect(heap.size).toBeLessThan(4000)
  const live = drain(heap).filter((event) => !event.isCancelled)
  const expected = events.filter((event) => !event.isCancelled).sort((a, b) => a.time - b.time || a.order - b.order)
  expect(live).toEqual(expected)
})
