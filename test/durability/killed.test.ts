import { expect, test } from "vitest"
import { killLoop } from "./kill-loop.ts"

test("a process that is killed while it writes loses nothing that it called safe, and never harms its file", async () => {
  const { rounds, safe } = await killLoop(5)
  expect(rounds).toBe(5)
  expect(safe).toBeGreaterThan(5)
})
