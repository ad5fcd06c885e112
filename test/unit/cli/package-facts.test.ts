import { expect, test } from "vitest"
import { nodeComplaint, packageFacts } from "../../../src/cli/package-facts.ts"

test("the package tells its version, and the Node that it needs", () => {
  const { version, minNodeMajor } = packageFacts()
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
  expect(minNodeMajor).toBeGreaterThanOrEqual(24)
})

test("an older Node is refused with both versions and a way out; the oldest that will do, and newer ones, are not", () => {
  expect(nodeComplaint("20.20.2", { minNodeMajor: 24 })).toMatch(/expected 24 or newer, found 20\.20\.2; .*npx/)
  expect(nodeComplaint("24.0.0", { minNodeMajor: 24 })).toBeUndefined()
  expect(nodeComplaint("26.1.0", { minNodeMajor: 24 })).toBeUndefined()
})
