import { describe, expect, it } from "vitest"
import { Suspects } from "../../../../src/sip/transport/suspects.ts"
import type { Target } from "../../../../src/sip/transport/index.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"

function place(number: number): Target {
  return { protocol: "UDP", host: `192.0.2.${number}`, port: 5060 }
}

describe("suspects", () => {
  it("come last for half a minute, in their order", () => {
    const runtime = new ManualRuntime()
    const suspects = new Suspects(runtime)
    const places = [place(1), place(2), place(3)]
    suspects.add(place(1))
    suspects.add(place(2))
    expect(suspects.last(places)).toEqual([place(3), place(1), place(2)])
    runtime.advance(29_999)
    expect(suspects.last(places)).toEqual([place(3), place(1), place(2)])
    runtime.advance(1)
    expect(suspects.last(places)).toEqual(places)
  })

  it("are known by protocol, host and port together", () => {
    const suspects = new Suspects(new ManualRuntime())
    suspects.add(place(1))
    const others: Target[] = [{ ...place(1), protocol: "TCP" }, { ...place(1), port: 5070 }, place(2)]
    expect(suspects.last(others)).toEqual(others)
  })

  it("are a thousand at most: the one caught longest ago is forgotten", () => {
    const suspects = new Suspects(new ManualRuntime())
    for (let port = 1; port <= 1001; port++) suspects.add({ ...place(1), port })
    const [forgotten, kept, innocent] = [{ ...place(1), port: 1 }, { ...place(1), port: 2 }, place(2)]
    expect(suspects.last([kept, innocent])).toEqual([innocent, kept])
    expect(suspects.last([forgotten, innocent])).toEqual([forgotten, innocent])
  })
})
