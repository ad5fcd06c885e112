/** A seed decides everything: whatever ran before in the process, in whichever process, however long it takes. */
import { execFile, spawn } from "node:child_process"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { backend } from "../../backends/chord/index.ts"
import { drawScenario, tryScenario } from "../../src/sim/fuzz.ts"

const seed = 100_003
const program = new URL("../../src/cli/main.ts", import.meta.url).pathname

async function hashHere(): Promise<string | undefined> {
  return (await tryScenario(drawScenario(seed), { backend })).report?.eventHash
}

async function hashElsewhere(): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, "sim", "run", JSON.stringify(drawScenario(seed))])
  return /"eventHash": "([0-9a-f]{16})"/.exec(stdout)?.[1]
}

test("one seed gives one event hash: twice in this process, in another one, and in one that has to share its core", async () => {
  const first = await hashHere()
  expect(first).toMatch(/^[0-9a-f]{16}$/)
  expect(await hashHere()).toBe(first)
  expect(await hashElsewhere()).toBe(first)
  const busy = [1, 2].map(() => spawn(process.execPath, ["-e", "const end = Date.now() + 60_000; while (Date.now() < end);"], { stdio: "ignore" }))
  try {
    expect(await hashElsewhere()).toBe(first)
  } finally {
    for (const one of busy) one.kill("SIGKILL")
  }
})
