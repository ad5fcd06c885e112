import { describe, expect, it } from "vitest"
import { MemoryServlet } from "../../backends/memory/index.ts"
import type { MemoryOptions } from "../../backends/memory/index.ts"
import { conformance } from "../conformance/index.ts"
import type { Network } from "../conformance/index.ts"
import { ManualRuntime } from "../support/manual-runtime.ts"
import { compareWithMemory, modelLimits } from "./model.ts"

const { capabilities } = new MemoryServlet({ runtime: new ManualRuntime() })

async function createNetwork(options?: MemoryOptions): Promise<Network> {
  const runtime = new ManualRuntime()
  return {
    create: async () => new MemoryServlet({ runtime }, options),
    bootstrap: () => [],
    run: (work) => work,
    advance: (ms) => runtime.advanceAsync(ms),
    close: async () => undefined,
  }
}

conformance({ describe, it, name: "memory", capabilities, virtualTime: true, createNetwork: () => createNetwork() })

it("memory replays a history as it went the first time", () =>
  compareWithMemory({ peers: 1, runs: 200, stepsPerRun: 30, virtualTime: true, createNetwork: () => createNetwork({ limits: modelLimits }) }))

it("memory holds no more keys than maxKeys", async () => {
  const servlet = new MemoryServlet({ runtime: new ManualRuntime() }, { maxKeys: 2 })
  await servlet.join()
  await servlet.put("a", "value")
  await servlet.put("b", "value")
  await expect(servlet.put("c", "value")).rejects.toMatchObject({ code: "P2PSIP_LIMIT" })
  await servlet.put("a", "another")
})
