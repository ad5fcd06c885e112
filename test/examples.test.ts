import { spawn } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))

/** What each example must have printed when it ends. */
const printed: Readonly<Record<string, RegExp>> = {
  "01-embed-a-peer.ts": /told: 200 OK\nseen from the second peer: 1 binding.*\n.*holds 1 binding\n/,
  "02-put-get-remove.ts": /room 1 has 1 host\nfound at .*\nsip:alice@example\.org: sip:alice@192\.0\.2\.2 \(\d+ s left\)\n$/,
  "03-write-a-backend.ts": /tests (\d\d+)\n.*\n.*pass \1\n/,
}

async function run(example: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [`examples/${example}`], { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve))
  return { code, output }
}

describe("the examples", () => {
  it("stand on a build", () => {
    expect(existsSync(`${root}/dist/src/index.js`), "run `npm run build` first").toBe(true)
  })

  it("are all run here", () => {
    expect(readdirSync(`${root}/examples`).filter((name) => name.endsWith(".ts"))).toEqual(Object.keys(printed))
  })

  it.each(Object.entries(printed))("%s does what it says", async (example, expected) => {
    const { code, output } = await run(example)
    expect(output).toMatch(expected)
    expect(code, output).toBe(0)
  })
})
