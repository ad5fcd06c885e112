/** The conformance suite for a distributed backend, on every kind of network and storage. */
import { describe, it } from "vitest"
import { conformance } from "../conformance/index.ts"
import type { Network } from "../conformance/index.ts"
import { withDisks } from "./disks.ts"
import type { CreateServlet } from "./networks.ts"
import { libp2pNetwork, memoryNetwork, simulatedNetwork } from "./networks.ts"

const capabilities = { distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true }

/** Declares the tests. */
export function conformsEverywhere(name: string, create: CreateServlet): void {
  declare(`${name}, simulated`, true, create, (createServlet) => simulatedNetwork(createServlet, 1))
  declare(`${name} on memory Links`, false, create, memoryNetwork)
  declare(`${name} on libp2p`, false, create, libp2pNetwork)
}

function declare(
  name: string,
  virtualTime: boolean,
  create: CreateServlet,
  createNetwork: (create: CreateServlet) => Promise<Network>,
): void {
  const shared = { describe, it, virtualTime }
  conformance({
    ...shared, name: `${name}, in memory,`, capabilities: { ...capabilities, durable: false },
    createNetwork: () => createNetwork(create),
  })
  conformance({
    ...shared, name: `${name}, on disk,`, capabilities: { ...capabilities, durable: true },
    createNetwork: () => withDisks(create, createNetwork),
  })
}
