import { describe, expect, it } from "vitest"
import { GuessLimiter } from "../../../src/security/guess-limiter.ts"
import { LeakyBuckets } from "../../../src/security/leaky-buckets.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

function setUp() {
  const runtime = new ManualRuntime()
  const guesses = new GuessLimiter(runtime)
  const fail = (times: number, source: string, account: string) => {
    for (let i = 0; i < times; i++) guesses.failed(source, account)
  }
  return { runtime, guesses, fail }
}

describe("whoever guesses", () => {
  it("waits after six wrong passwords for one account, ten seconds for each more", () => {
    const { runtime, guesses, fail } = setUp()
    fail(5, "192.0.2.66", "alice@example.org")
    expect(guesses.delaySeconds("192.0.2.66", "alice@example.org")).toBe(0)
    fail(1, "192.0.2.66", "alice@example.org")
    expect(guesses.delaySeconds("192.0.2.66", "alice@example.org")).toBe(10)
    runtime.advance(10_000)
    expect(guesses.delaySeconds("192.0.2.66", "alice@example.org")).toBe(0)
  })

  it("waits after thirty wrong passwords for whomever", () => {
    const { guesses, fail } = setUp()
    for (let user = 0; user < 30; user++) fail(1, "192.0.2.66", `user${user}@example.org`)
    expect(guesses.delaySeconds("192.0.2.66", "alice@example.org")).toBe(2)
  })

  it("waits where sixty others have guessed for the same account", () => {
    const { guesses, fail } = setUp()
    for (let host = 0; host < 60; host++) fail(1, `192.0.2.${host}`, "alice@example.org")
    expect(guesses.delaySeconds("198.51.100.1", "alice@example.org")).toBe(1)
  })
})

describe("the user", () => {
  it("is not kept waiting by strangers who guess, where the user has been before", () => {
    const { guesses, fail } = setUp()
    guesses.succeeded("198.51.100.1", "alice@example.org")
    for (let host = 0; host < 200; host++) fail(3, `192.0.2.${host}`, "alice@example.org")
    expect(guesses.delaySeconds("198.51.100.1", "alice@example.org")).toBe(0)
    expect(guesses.delaySeconds("198.51.100.2", "alice@example.org")).toBeGreaterThan(0)
  })

  it("is not kept waiting by a neighbour behind the same NAT", () => {
    const { guesses, fail } = setUp()
    guesses.succeeded("198.51.100.1", "alice@example.org")
    fail(100, "198.51.100.1", "bob@example.org")
    expect(guesses.delaySeconds("198.51.100.1", "alice@example.org")).toBe(0)
    expect(guesses.delaySeconds("198.51.100.1", "bob@example.org")).toBeGreaterThan(0)
  })

  it("begins anew with the right password", () => {
    const { guesses, fail } = setUp()
    fail(5, "198.51.100.1", "alice@example.org")
    guesses.succeeded("198.51.100.1", "alice@example.org")
    fail(5, "198.51.100.1", "alice@example.org")
    expect(guesses.delaySeconds("198.51.100.1", "alice@example.org")).toBe(0)
  })
})

describe("buckets", () => {
  it("are never more than allowed, and the one touched longest ago goes first", () => {
    const buckets = new LeakyBuckets(new ManualRuntime(), { capacity: 1, leakPerSecond: 1, maxBuckets: 3 })
    for (const key of ["a", "b", "c", "a", "d"]) buckets.add(key)
    expect(buckets.size).toBe(3)
    expect(["a", "b", "c", "d"].map((key) => buckets.secondsUntilRoom(key) > 0)).toEqual([true, false, true, true])
  })

  it("are forgotten when they have run empty", () => {
    const runtime = new ManualRuntime()
    const buckets = new LeakyBuckets(runtime, { capacity: 10, leakPerSecond: 1, maxBuckets: 1000 })
    for (let i = 0; i < 100; i++) buckets.add(`${i}`)
    runtime.advance(2000)
    for (let i = 0; i < 100; i++) buckets.add("busy", 0.01)
    expect(buckets.size).toBe(1)
  })

  it("with overflow stay full for longer", () => {
    const runtime = new ManualRuntime()
    const buckets = new LeakyBuckets(runtime, { capacity: 10, leakPerSecond: 1, maxBuckets: 10, overflow: 3 })
    expect(buckets.add("a", 10)).toBe(true)
    expect(buckets.add("a", 1000)).toBe(false)
    runtime.advance(20_000)
    expect(buckets.add("a", 0.5)).toBe(false)
    runtime.advance(1000)
    expect(buckets.add("a", 0.1)).toBe(true)
  })
})
