/**
 * Peers on a network that fails without telling anybody: libp2p's connections
 * over namespaces and a switch of this machine. See README.md.
 *
 *     npm run test:network -- [--part partition|frozen|blackout] [--backend chord]
 */
import type { Check } from "../interop/checks.ts"
import { runParts } from "../interop/parts.ts"
import { blackout } from "./blackout.ts"
import { frozen } from "./frozen.ts"
import { partition } from "./partition.ts"
import { Network } from "./peers.ts"

type OnNetwork = (network: Network) => Promise<Check[]>

/** A network of its own, taken down whatever happens. */
function alone(run: OnNetwork) {
  return async ({ backend = "chord" }: Readonly<Record<string, string>>): Promise<Check[]> => {
    const network = new Network(backend)
    try {
      return await run(network)
    } finally {
      network.destroy()
    }
  }
}

await runParts({
  what: "the network",
  parts: { partition: alone(partition), frozen: alone(frozen), blackout: alone(blackout) },
  flags: { backend: "chord" },
})
