/** A node of `@libp2p/kad-dht` in this process: libp2p with the parts that the backends use. */
import { setTimeout as sleep } from "node:timers/promises"
import { noise } from "@chainsafe/libp2p-noise"
import { identify } from "@libp2p/identify"
import { tcp } from "@libp2p/tcp"
import { yamux } from "@libp2p/yamux"
import { multiaddr } from "@multiformats/multiaddr"
import { createLibp2p } from "libp2p"
import { copies } from "./dht-nodes.ts"
import type { DhtNode } from "./dht-nodes.ts"

const formationTimeoutMs = 15_000
const lookAgainMs = 20

interface KadDhtPackage {
  readonly kadDHT: (options: object) => () => object
  readonly passthroughMapper: (peer: object) => object
}

interface PingPackage {
  readonly ping: () => () => object
}

/** Starts one that knows these. Rejects where the packages are not installed, or nobody is there. */
export async function startKadDhtNode(neighbours: readonly string[]): Promise<DhtNode> {
  const { kadDHT, passthroughMapper } = await packageOf<KadDhtPackage>("@libp2p/kad-dht")
  const { ping } = await packageOf<PingPackage>("@libp2p/ping")
  const dht = kadDHT({
    protocol: "/bench/kad/1.0.0",
    clientMode: false,
    kBucketSize: copies,
    // On loopback every address is a private one.
    peerInfoMapper: passthroughMapper,
    allowQueryWithZeroPeers: true,
    validators: { bench: async () => undefined },
    selectors: { bench: () => 0 },
  })
  const node = await createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping(), dht },
  })
  for (const address of neighbours) await node.dial(multiaddr(address))
  const { routingTable } = node.services["dht"] as { readonly routingTable: { readonly size: number } }
  // Who is connected is known only when it has said what it speaks.
  for (let waitedMs = 0; routingTable.size < Math.min(neighbours.length, copies) && waitedMs < formationTimeoutMs; waitedMs += lookAgainMs) await sleep(lookAgainMs)
  const text = new TextEncoder()
  const keyOf = (key: string): Uint8Array => text.encode(`/bench/${key}`)
  const table = {
    has: async (key: string) => {
      try {
        return (await node.contentRouting.get(keyOf(key))).length > 0
      } catch {
        // Nobody had it.
        return false
      }
    },
    put: (key: string, value: string) => node.contentRouting.put(keyOf(key), text.encode(value)),
  }
  return { address: node.getMultiaddrs()[0]?.toString() ?? "", table }
}

/** Loaded by a name that the compiler does not follow: nobody needs the package for anything else. */
async function packageOf<T>(name: string): Promise<T> {
  return (await import(name)) as T
}
