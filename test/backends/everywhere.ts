/** The conformance suite for a distributed backend, on every kind of network and storage. */
import { describe, it } from "vitest"
import type { RoutingMode } from "../../src/overlay/search.ts"
import type { BackendComponents, P2PSipServlet } from "../../src/servlet/index.ts"
import { conformance } from "../conformance/index.ts"
import type { Network } from "../conformance/index.ts"
import { withDisks } from "./disks.ts"
import type { CreateServlet } from "./networks.ts"
import { libp2pNetwork, memoryNetwork, simulatedNetwork } from "./networks.ts"

const capabilities = { distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true }

/** Makes one servlet, which passes operations on or carries them itself. */
type CreateInMode = (components: BackendComponents, options?: { readonly routing?: RoutingMode }) => P2PSipServlet

/** Declares the tests: as it is by default everywhere, and in the other mode where that takes least time. */
export function conformsEverywhere(name: string, createInMode: CreateInMode): void {
  const create: CreateServlet = (components) => createInMode(components)
  conformsSimulated(name, createInMode)
  declare(`${name} on memory Links`, false, create, memoryNetwork)
  declare(`${name} on libp2p`, false, create, libp2pNetwork)
}

/** Declares those tests that take virtual time. */
export function conformsSimulated(name: string, createInMode: CreateInMode): void {
  const create: CreateServlet = (components) => createInMode(components)
  const iterative: CreateServlet = (components) => createInMode(components, { routing: "iterative" })
  declare(`${name}, simulated`, true, create, (createServlet) => simulatedNetwork(createServlet, 1))
  conformance({
    describe, it, virtualTime: true, name: `${name}, simulated, iterative,`, capabilities: { ...capabilities, durable: false },
    createNetwork: () => simulatedNetwork(iterative, 1),
  })
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
