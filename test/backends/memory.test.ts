import { describe, it } from "vitest"
import { MemoryServlet } from "../../backends/memory/index.ts"
import { conformance } from "../conformance/index.ts"
import { ManualRuntime } from "../support/manual-runtime.ts"

const { capabilities } = new MemoryServlet({ runtime: new ManualRuntime() })

conformance({
  describe,
  it,
  name: "memory",
  capabilities,
  virtualTime: true,
  async createNetwork() {
    const runtime = new ManualRuntime()
    return {
      create: async () => new MemoryServlet({ runtime }),
      bootstrap: () => [],
      run: (work) => work,
      advance: (ms) => runtime.advanceAsync(ms),
      close: async () => undefined,
    }
  },
})
