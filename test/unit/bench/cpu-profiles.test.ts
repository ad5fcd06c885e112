import { expect, test } from "vitest"
import { sumByName, timesWithin } from "../../../src/bench/cpu-profiles.ts"
import type { CpuProfile, ProfileNode } from "../../../src/bench/cpu-profiles.ts"

function node(id: number, functionName: string, url: string, children: readonly number[] = []): ProfileNode {
  return { id, callFrame: { functionName, url, lineNumber: 9 }, children }
}

const profile: CpuProfile = {
  nodes: [
    node(1, "(root)", "", [2, 3, 4, 5]), node(2, "(idle)", ""), node(3, "(garbage collector)", ""), node(4, "parse", "file:///p/src/sip/message/parse.ts", [6]),
    node(5, "flush", "file:///p/src/link/send-queue.ts", [7, 8]), node(6, "slice", ""), node(7, "writev", ""), node(8, "encrypt", "file:///p/node_modules/@chainsafe/libp2p-noise/x.js"),
  ],
  startTime: 1000,
  samples: [2, 4, 6, 7, 8, 3, 2, 4],
  timeDeltas: [100, 10, 20, 30, 40, 50, 100, 1000],
}

test("time within the window is told by part; waiting is none, and what the language does counts for its caller", () => {
  const all = timesWithin(profile, { from: 0, to: 1e6 })
  expect(Object.fromEntries(sumByName(all).map(({ name, part, microseconds }) => [name, [part, microseconds]]))).toEqual({
    "parse, src/sip/message/parse.ts:10": ["SIP", 1010],
    slice: ["SIP", 20],
    writev: ["sending", 30],
    "encrypt, @chainsafe/libp2p-noise/x.js:10": ["libp2p", 40],
    "(garbage collector)": ["garbage collection", 50],
  })
  expect(all.map(({ microseconds }) => microseconds).reduce((a, b) => a + b)).toBe(1150)
})

test("what lies outside the window does not count, nor the part of a sample that does", () => {
  const within = timesWithin(profile, { from: 1105, to: 1145 })
  expect(sumByName(within).map(({ name, microseconds }) => [name, microseconds])).toEqual([["slice", 20], ["writev", 15], ["parse, src/sip/message/parse.ts:10", 5]])
  expect(timesWithin(profile, { from: 5000, to: 6000 })).toEqual([])
  expect(sumByName(timesWithin(profile, { from: 0, to: 1e6, most: 45 })).map(({ microseconds }) => microseconds)).toEqual([55, 45, 40, 30, 20])
})
