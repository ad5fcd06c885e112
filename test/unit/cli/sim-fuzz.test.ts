/** `p2psip sim fuzz` as the shell sees it. */
import { spawnSync } from "node:child_process"
import { expect, test } from "vitest"

const program = new URL("../../../src/cli/main.ts", import.meta.url).pathname

function fuzz(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "sim", "fuzz", ...args], { encoding: "utf8" })
  return { status, stdout, stderr }
}

test.each([["1"], ["2"]])("tries the seeds that it is given with --jobs %s, and counts what was clean", (jobs) => {
  const { status, stdout } = fuzz("--seeds", "100004-100006", "--jobs", jobs, "--backend-options", '{"successors":4}')
  expect(JSON.parse(stdout)).toMatchObject({
    backend: "chord", backendOptions: { successors: 4 }, clean: 3, firstSeed: 100004, lastSeed: 100006, interrupted: false,
  })
  expect(status).toBe(0)
})

test.each([
  [["--backend-options", "{"], "--backend-options: expected JSON"],
  [["--backend-options", "[]"], "--backend-options: expected a JSON object"],
  [["--backend-options", '{"successors":99}'], "--backend-options.successors: "],
  [["--seeds", "9-3"], "--seeds: expected at least one"],
  [["--seeds", "3-9", "--seed", "3"], "--seed: expected none beside --seeds FROM-TO"],
  [["--jobs", "0"], "--jobs: expected at least one"],
])("refuses %j in one line", (args, message) => {
  const { status, stderr } = fuzz(...args)
  expect(stderr).toContain(message)
  expect(stderr.trim().split("\n")).toHaveLength(1)
  expect(status).toBe(2)
})
