import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { P2PSipError } from "../../../src/errors.ts"
import { createLogger } from "../../../src/runtime/log.ts"

/** What is logged by `write`, a line each. */
function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-log-"))
  try {
    const file = openSync(join(folder, "log"), "w")
    write(createLogger("info", file))
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
