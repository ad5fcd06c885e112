/** The conformance suite for a distributed backend, on every kind of network. */
import { describe, it } from "vitest"
import { conformance } from "../conformance/index.ts"
import type { CreateServlet } from "./networks.ts"
import { libp2pNetwork, memoryNetwork, simulatedNetwork } from "./networks.ts"

const capabilities = {
  distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true, durable: false,
}

/** Declares the tests. */
export function conformsEverywhere(name: string, create: CreateServlet): void {
  const real = { describe, it, capabilities, virtualTime: false }
  conformance({ ...real, name: `${name}, simulated,`, virtualTime: true, createNetwork: () => simulatedNetwork(create, 1) })
  conformance({ ...real, name: `${name} on memory Links`, createNetwork: () => memoryNetwork(create) })
  conformance({ ...real, name: `${name} on libp2p`, createNetwork: () => libp2pNetwork(create) })
}
