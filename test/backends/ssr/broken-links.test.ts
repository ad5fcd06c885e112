import { expect, test } from "vitest"
import { BrokenLinks } from "../../../backends/ssr/broken-links.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

test("a route is believed up to the first link that was found broken, in either direction", () => {
  const broken = new BrokenLinks(new ManualRuntime())
  expect(broken.before([1, 2, 3])).toEqual([1, 2, 3])
  broken.note(3, 2)
  expect(broken.before([1, 2, 3, 4])).toEqual([1, 2])
  expect(broken.firstOf([4, 3, 2, 1])).toEqual([3, 2])
  expect(broken.firstOf([1, 2, 4, 3])).toBeUndefined()
})

test("until a packet comes over it, or ten seconds are over", () => {
  const runtime = new ManualRuntime()
  const broken = new BrokenLinks(runtime)
  broken.note(1, 2)
  broken.note(3, 4)
  broken.passed([0, 2, 1])
  expect(broken.firstOf([1, 2])).toBeUndefined()
  expect(broken.firstOf([3, 4])).toEqual([3, 4])
  runtime.advance(10_000)
  expect(broken.firstOf([3, 4])).toBeUndefined()
})

test("remembers a bounded number of links, those found last", () => {
  const broken = new BrokenLinks(new ManualRuntime())
  for (let node = 0; node < 10_000; node++) broken.note(node, node + 1)
  expect(broken.firstOf([0, 1])).toBeUndefined()
  expect(broken.firstOf([9_999, 10_000])).toEqual([9_999, 10_000])
})
