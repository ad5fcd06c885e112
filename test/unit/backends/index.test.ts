import { describe, expect, it } from "vitest"
import { backendNames, loadBackend } from "../../../backends/index.ts"
import { P2PSipServlet } from "../../../src/servlet/index.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { MemoryLink, MemoryNetwork } from "../../../src/link/memory.ts"

const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`

describe("the table of backends", () => {
  it.each(backendNames)("loads %s by its name, and its options have defaults", async (name) => {
    const backend = await loadBackend(name)
    expect(backend.name).toBe(name)
    const runtime = new ManualRuntime()
    const link = new MemoryLink({ runtime, network: new MemoryNetwork() })
    const servlet = backend.create({ runtime, link }, backend.optionsSchema.parse({}))
    expect(servlet).toBeInstanceOf(P2PSipServlet)
    expect(servlet.backend).toBe(name)
    expect(() => backend.optionsSchema.parse({ noSuchOption: 1 })).toThrow("noSuchOption")
  })

  it.each(["no-such-backend", "toString", "", "./memory", "../src/errors.ts"])("explains that %j is none", async (name) => {
    await expect(loadBackend(name)).rejects.toMatchObject({
      code: "P2PSIP_NO_BACKEND",
      message: expect.stringContaining(`expected ${backendNames.join(", ")}`) as string,
    })
  })

  it("explains that a package without a backend is none", async () => {
    await expect(loadBackend("zod")).rejects.toThrow("does not export a BackendModule")
  })

  it.each([
    ["fails to load", "throw new Error('no such luck\\nat line 7')", "its package fails to load: no such luck"],
    ["exports something else", "export const backend = { name: 'x' }", "does not export a BackendModule"],
  ])("explains what is wrong with a module that %s, in one line", async (_what, source, reason) => {
    const error = await loadBackend(moduleOf(source)).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: "P2PSIP_NO_BACKEND", message: expect.stringContaining(reason) as string })
    expect((error as Error).message).not.toContain("\n")
  })

  it.each([
    ["throws", "throw new Error('out of luck\\nat line 7')", "its create() failed: out of luck"],
    ["makes something else", "return { join: 1 }", "made something else than a P2PSipServlet"],
  ])("explains that a factory %s, in one line", async (_what, body, reason) => {
    const source = `export const backend = { name: "mine", optionsSchema: { parse: (x) => x }, create() { ${body} } }`
    const backend = await loadBackend(moduleOf(source))
    const runtime = new ManualRuntime()
    const link = new MemoryLink({ runtime, network: new MemoryNetwork() })
    let error: unknown
    try {
      backend.create({ runtime, link }, {})
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code: "P2PSIP_NO_BACKEND", message: expect.stringContaining(reason) as string })
    expect((error as Error).message).not.toContain("\n")
  })
})
