import { describe, expect, it } from "vitest"
import { backendNames, loadBackend } from "../../../backends/index.ts"
import { P2PSipServlet } from "../../../src/servlet/index.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { MemoryLink, MemoryNetwork } from "../../../src/link/memory.ts"

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
})
