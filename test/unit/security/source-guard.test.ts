import { describe, expect, it } from "vitest"
import { parseNetwork, SourceGuard } from "../../../src/security/source-guard.ts"
import type { SourceGuardOptions } from "../../../src/security/source-guard.ts"
import type { Flow, TransportProtocol } from "../../../src/sip/transport/transport.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

function setUp(options: SourceGuardOptions = {}) {
  const runtime = new ManualRuntime()
  const guard = new SourceGuard({ runtime }, { messagesPerSecond: 10, burst: 20, exempt: [], ...options })
  /** How many of so many messages are taken. */
  const taken = (count: number, host: string, { port = 5060, protocol = "UDP" }: { port?: number; protocol?: TransportProtocol } = {}) =>
    Array.from({ length: count }, () => guard.admits(protocol, { host, port })).filter(Boolean).length
  return { runtime, guard, taken }
}

const flowOf = (protocol: TransportProtocol, host: string, port = 5060) => ({ transport: { protocol }, remote: { host, port } }) as Flow

describe("a source", () => {
  it("may send a burst, then so much a second", () => {
    const { runtime, taken } = setUp()
    expect(taken(20, "192.0.2.1")).toBe(20)
    runtime.advance(1000)
    expect(taken(10, "192.0.2.1")).toBe(10)
  })

  it("that goes on while it is shut out stays out, until it has been quiet for a while", () => {
    const { runtime, taken } = setUp()
    for (let second = 0; second < 60; second++) {
      taken(100, "192.0.2.1")
      runtime.advance(1000)
    }
    expect(taken(1, "192.0.2.1")).toBe(0)
    runtime.advance(4000)
    expect(taken(1, "192.0.2.1")).toBe(1)
  })

  it("does not take from others", () => {
    const { taken } = setUp()
    taken(1000, "192.0.2.1")
    expect(taken(20, "192.0.2.2")).toBe(20)
  })

  it("is one /64 of IPv6, however many addresses it has", () => {
    const { taken } = setUp()
    for (let host = 1; host <= 20; host++) taken(1, `2001:db8:0:1::${host}`)
    expect(taken(1, "2001:db8:0:1:ffff::1")).toBe(0)
    expect(taken(1, "2001:db8:0:2::1")).toBe(1)
  })

  it("pays for twenty with one message that makes no sense", () => {
    const { guard, taken } = setUp()
    guard.penalise(flowOf("UDP", "192.0.2.1"))
    expect(taken(1, "192.0.2.1")).toBe(0)
  })
})

describe("a flood in somebody's name", () => {
  it("does not reach their connections", () => {
    const { taken } = setUp()
    taken(1000, "192.0.2.1")
    expect(taken(20, "192.0.2.1", { protocol: "TCP" })).toBe(20)
  })

  it("does not reach the UDP port where the user was authentic within the hour", () => {
    const { runtime, guard, taken } = setUp()
    guard.vouch(flowOf("UDP", "192.0.2.1", 40_000))
    taken(1000, "192.0.2.1")
    expect(taken(20, "192.0.2.1", { port: 40_000 })).toBe(20)
    expect(taken(1, "192.0.2.1", { port: 40_001 })).toBe(0)
    runtime.advance(3_600_001)
    taken(1000, "192.0.2.1")
    expect(taken(1, "192.0.2.1", { port: 40_000 })).toBe(0)
  })
})

describe("nobody counts", () => {
  it.each([
    ["192.0.2.77", ["192.0.2.0/24"], 100],
    ["192.0.3.77", ["192.0.2.0/24"], 20],
    ["2001:db8::5", ["2001:db8::/32"], 100],
    ["::ffff:192.0.2.1", ["192.0.2.1"], 100],
    ["127.0.0.1", undefined, 100],
  ])("%s where %o is exempt: %i of 100 are taken", (host, exempt, expected) => {
    const { guard } = exempt === undefined ? { guard: new SourceGuard({ runtime: new ManualRuntime() }, { burst: 20 }) } : setUp({ exempt })
    const taken = Array.from({ length: 100 }, () => guard.admits("UDP", { host, port: 1 })).filter(Boolean)
    expect(taken).toHaveLength(expected)
  })

  it("other peers", () => {
    const { taken } = setUp()
    expect(taken(100, "k51.p2psip.invalid", { protocol: "P2P" })).toBe(100)
  })
})

it.each(["192.0.2.1/33", "192.0.2.256", "2001:db8::/129", "example.org", "1.2.3", "192.0.2.1/x", "192.0.2.1/8/8"])("%s is no network", (text) => {
  expect(parseNetwork(text)).toBe(undefined)
  expect(() => setUp({ exempt: [text] })).toThrow("expected IP addresses or networks")
})
