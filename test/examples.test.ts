import { spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))

/** What each example must have printed when it ends. */
const printed: Readonly<Record<string, RegExp>> = {
  "01-embed-a-peer.ts": /told: 200 OK\nseen from the second peer: 1 binding.*\n.*holds 1 binding\n/,
  "02-put-get-remove.ts": /room 1 has 1 host\nfound at .*\nsip:alice@example\.org: sip:alice@192\.0\.2\.2 \(\d+ s left\)\n$/,
  "03-write-a-backend.ts": /tests (\d\d+)\n.*\n.*pass \1\n/,
}

async function run(program: string, cwd = root): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [program], { cwd, stdio: ["ignore", "pipe", "pipe"] })
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
    const { code, output } = await run(`examples/${example}`)
    expect(output).toMatch(expected)
    expect(code, output).toBe(0)
  })

  it("have a package with a backend that is found by its name, and conforms", async () => {
    // A project as npm would have it, with both packages linked.
    const project = mkdtempSync(join(tmpdir(), "p2psip-project-"))
    try {
      cpSync(join(root, "examples/full-mesh"), join(project, "full-mesh"), { recursive: true })
      mkdirSync(join(project, "node_modules"))
      symlinkSync(root, join(project, "node_modules/p2psip"))
      symlinkSync(join(project, "full-mesh"), join(project, "node_modules/p2psip-full-mesh"))
      const { code, output } = await run("full-mesh/conformance.ts", project)
      expect(output).toMatch(/tests (\d\d+)\n.*\n.*pass \1\n/)
      expect(code, output).toBe(0)
    } finally {
      rmSync(project, { recursive: true })
    }
  })
})
