import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { P2PSipError } from "../../../src/errors.ts"
import { createLogger } from "../../../src/runtime/log.ts"

/** What is logged by `write`, a line each. */
function logged(write: (log: ReturnType<typeof createLogger>) => void, now?: () => number): Record<string, unknown>[] {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-log-"))
  try {
    const file = openSync(join(folder, "log"), "w")
    write(createLogger("info", file, now))
    closeSync(file)
    const lines = readFileSync(join(folder, "log"), "utf8").trim().split("\n")
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test("an error is logged with its message, code and stack; other values stay as they are", () => {
  const error = new P2PSipError("P2PSIP_TIMEOUT", "no answer within 5 s")
  const [first, second] = logged((log) => {
    log.warn({ error }, "a look-up failed")
    log.warn({ error: "as text" }, "a look-up failed")
  })
  expect(first).toMatchObject({ msg: "a look-up failed", error: { message: error.message, code: error.code, stack: error.stack } })
  expect(second?.error).toBe("as text")
})

test("a sentence is logged ten times a second, and then how often it was left out", () => {
  let now = 5_000
  const lines = logged((log) => {
    for (let count = 0; count < 100; count++) log.warn({ count }, "a stranger sends noise")
    log.warn({}, "something else")
    now = 6_000
    log.warn({ count: 100 }, "a stranger sends noise")
    log.warn({ count: 101 }, "a stranger sends noise")
  }, () => now)
  expect(lines.filter(({ msg }) => msg === "a stranger sends noise").map(({ count, suppressed }) => [count, suppressed])).toEqual([
    ...Array.from({ length: 10 }, (_, count) => [count, undefined]), [100, 90], [101, undefined],
  ])
  expect(lines.filter(({ msg }) => msg === "something else")).toHaveLength(1)
})
