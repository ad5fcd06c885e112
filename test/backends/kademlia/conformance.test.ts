import { describe, it } from "vitest"
import { conformance } from "../../conformance/index.ts"
import { libp2pNetwork, memoryNetwork, simulatedNetwork } from "./networks.ts"

const capabilities = {
  distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true, durable: false,
}

conformance({ describe, it, name: "kademlia, simulated,", capabilities, virtualTime: true, createNetwork: () => simulatedNetwork(1) })
conformance({ describe, it, name: "kademlia on memory Links", capabilities, virtualTime: false, createNetwork: memoryNetwork })
conformance({ describe, it, name: "kademlia on libp2p", capabilities, virtualTime: false, createNetwork: libp2pNetwork })
