import { describe, expect, test } from "vitest"
import { calm, observe, type Overload, type QueueSample } from "../../../../src/sip/transaction/overload.ts"

const targetMs = 100

/** A look each 20 ms, as `look` finds the queue, from `from` on. */
function watch(look: (now: number) => Omit<QueueSample, "now">, { from = 0, forMs = 10_000, state = calm, isEager = false } = {}) {
  const probabilities: number[] = []
  let at = from
  for (; at < from + forMs; at += 20) {
    state = observe(state, { now: at, ...look(at) }, targetMs, isEager)
    probabilities.push(state.probability)
  }
  return { state, at, probabilities, highest: Math.max(...probabilities) }
}

describe("nobody is refused", () => {
  test("while messages wait no longer than the target", () => {
    expect(watch(() => ({ delayMs: 100, losses: 0 })).highest).toBe(0)
  })

  test("while the wait is once short in each half second, however long it is in between", () => {
    expect(watch((now) => ({ delayMs: now % 500 < 40 ? 50 : 2000, losses: now })).highest).toBe(0)
  })

  test("while a wait beyond the target makes nobody repeat a request, and nothing is dropped", () => {
    expect(watch(() => ({ delayMs: 240, losses: 0 })).highest).toBe(0)
  })

  test("after a pause of two seconds whose messages are worked off at a twentieth more than come", () => {
    const worked = watch((now) => ({ delayMs: Math.max(0, 2000 - (now * 2) / 3), losses: 0 }), { from: 2000 })
    expect(worked.highest).toBe(0)
  })

  test("of a burst that takes 700 ms to read: its last messages have waited all that time", () => {
    expect(watch((now) => ({ delayMs: now > 1000 && now < 1700 ? now - 1000 : 0, losses: 0 }), { forMs: 3000, isEager: true }).highest).toBe(0)
  })

  test("of what is dear, for a moment in which a process gets half of the processor that it needs, and what that took", () => {
    const held = watch((now) => ({ delayMs: Math.max(0, now < 580 ? now / 2 : 580 - now / 2), losses: 0 }), { forMs: 3000, isEager: true })
    expect(held.highest).toBe(0)
  })

  test("by a process that is stopped again and again before it has run for a second", () => {
    let state = calm
    for (let from = 0; from < 20_000; from += 1200) {
      const spell = watch((now) => ({ delayMs: 400 + (now - from) / 10, losses: 0 }), { from, forMs: 800, state })
      expect(spell.highest).toBe(0)
      state = spell.state
    }
  })

  test("by a process that is given the processor each 150 ms, until it has run for a second", () => {
    let state: Overload = calm
    let ran = 0
    for (let now = 0; state.probability === 0; now += 150, ran++) state = observe(state, { now, delayMs: 600, losses: 0 }, targetMs)
    expect(ran * 50).toBeGreaterThanOrEqual(1000)
  })
})

describe("new requests are refused", () => {
  test("after a second of waits that are long and do not become shorter", () => {
    const { probabilities } = watch(() => ({ delayMs: 400, losses: 0 }))
    const began = probabilities.findIndex((probability) => probability > 0)
    expect(began * 20).toBeGreaterThanOrEqual(1000)
    expect(began * 20).toBeLessThanOrEqual(1100)
    expect(probabilities.at(-1)).toBe(1)
  })

  test("if dear, before anything is sent again, where the wait grows by half of the time that passes; and as many as are too many", () => {
    const { probabilities } = watch((now) => ({ delayMs: now / 2, losses: 0 }), { forMs: 2000, isEager: true })
    const began = probabilities.findIndex((probability) => probability > 0)
    expect(began * 20).toBeGreaterThan(600)
    expect(began * 20).toBeLessThanOrEqual(640)
    expect(probabilities[began]).toBeCloseTo(0.5)
  })

  test("after a second of shorter waits where the queue is full and drops", () => {
    const { probabilities } = watch((now) => ({ delayMs: 150, losses: Math.floor(now / 100) }), { forMs: 2000 })
    expect(probabilities.findIndex((probability) => probability > 0) * 20).toBeLessThanOrEqual(1100)
  })

  test("where a queue falls only because it is full and drops", () => {
    const { highest } = watch((now) => ({ delayMs: 300 - now / 20, losses: now / 20 }), { forMs: 1500 })
    expect(highest).toBeGreaterThan(0)
  })
})

describe("once requests are refused", () => {
  const refusing = watch(() => ({ delayMs: 400, losses: 0 }), { forMs: 3000 })

  test("fewer are while the wait falls, and nobody when it is short, within a fifth of a second", () => {
    const { state, at } = refusing
    const after = watch(() => ({ delayMs: 10, losses: 0 }), { from: at, forMs: 240, state })
    expect(after.state.probability).toBe(0)
  })

  test("a pause does not count as growth", () => {
    const { state } = watch(() => ({ delayMs: 100, losses: 0 }), { from: refusing.at, forMs: 200, state: refusing.state })
    const after = observe(state, { now: state.last.now + 900, delayMs: 120, losses: 0 }, targetMs)
    expect(after.probability - state.probability).toBeLessThan(0.01)
  })
})
