/**
 * Holds the backend to the suite that p2psip's own have to pass, found by the
 * name of its package:
 *
 *     node conformance.ts
 */
import { describe, it } from "node:test"
import { MemoryLink, MemoryNetwork, NodeRuntime, loadBackend } from "p2psip"
import { conformance } from "p2psip/conformance"
import type { P2PSipServlet } from "p2psip/servlet"

const backend = await loadBackend("p2psip-full-mesh")

conformance({
  describe,
  it,
  name: backend.name,
  capabilities: { distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true, durable: false },
  virtualTime: false,
  async createNetwork() {
    const network = new MemoryNetwork()
    const links = new Map<P2PSipServlet, MemoryLink>()
    const joined = (): P2PSipServlet[] => [...links.keys()].filter(({ state }) => state === "joined")
    return {
      create: async () => {
        const runtime = new NodeRuntime({ logLevel: "error" })
        const link = new MemoryLink({ runtime, network })
        await link.start()
        const servlet = backend.create({ runtime, link }, backend.optionsSchema.parse({}))
        links.set(servlet, link)
        return servlet
      },
      bootstrap: () => joined().flatMap((servlet) => [...(links.get(servlet)?.self.addresses ?? [])]),
      run: (work) => work,
      advance: () => Promise.reject(new Error("time is real here")),
      crash: async (servlet) => {
        links.get(servlet)?.die()
        links.delete(servlet)
      },
      close: async () => {
        await Promise.all(joined().map((servlet) => servlet.leave({ signal: AbortSignal.abort() })))
        await Promise.all([...links.values()].map((link) => link.stop()))
      },
    }
  },
})
