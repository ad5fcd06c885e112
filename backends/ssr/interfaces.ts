/** The mesh on network interfaces: what the configuration says of it, and the address that follows. */
import { readFileSync } from "node:fs"
import { networkInterfaces } from "node:os"
import { z } from "zod"
import { P2PSipError } from "../../src/errors.ts"
import { milliseconds } from "../../src/overlay/options.ts"
import { withDefaults } from "../../src/overlay/with-defaults.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import { addressOfMac, parseAddress } from "./address.ts"
import { maxHeard } from "./beacon.ts"
import { LocalLinks } from "./local-links.ts"
import { SealedEther } from "./sealed-ether.ts"
import { UdpEther } from "./udp-ether.ts"

/** A mesh whose nodes are each other's neighbours on network interfaces. */
export interface InterfacesOptions {
  /** Names of the network interfaces on which neighbours are looked for. */
  readonly interfaces: readonly string[]
  /** Where this node sits, 12 hexadecimal digits. @default from the MAC address of the first interface that has one, or the peer's key */
  readonly address?: string | undefined
  /** UDP port of all nodes of the mesh. @default 4748 */
  readonly port?: number | undefined
  /** Time between two beacons. 50 to 30000. @default 500 */
  readonly beaconMs?: number | undefined
  /** Nodes heard on one interface that are remembered. 1 to 128. @default 64 */
  readonly maxNeighbours?: number | undefined
  /** Datagrams that one neighbour may send. @default 5000 */
  readonly maxDatagramsPerSecond?: number | undefined
  /** Known to all nodes of the mesh and nobody else, at least 16 characters: who does not know it is not heard. @default none: whoever is on the interface may be a node */
  readonly secret?: string | undefined
}

const defaults = { port: 4748, beaconMs: 500, maxNeighbours: 64, maxDatagramsPerSecond: 5000 }

/** Checks {@link InterfacesOptions}. */
export const interfacesSchema = z.strictObject({
  interfaces: z.array(z.string("the name of a network interface").min(1, "the name of a network interface"), "a list of network interfaces")
    .min(1, "at least one network interface").readonly(),
  address: z.string("12 hexadecimal digits").regex(/^([0-9a-f]{2}:?){5}[0-9a-f]{2}$/i, "12 hexadecimal digits").optional(),
  port: z.int("a UDP port").min(1, "a UDP port").max(65_535, "a UDP port").optional(),
  beaconMs: milliseconds.min(50, "at least 50 milliseconds").max(30_000, "at most 30 seconds").optional(),
  maxNeighbours: z.int("a whole number").min(1, "at least 1").max(maxHeard, `at most ${maxHeard}`).optional(),
  maxDatagramsPerSecond: z.int("a whole number").min(1, "at least 1").optional(),
  secret: z.string("at least 16 characters").min(16, "at least 16 characters").optional(),
}, 'an object such as {"interfaces": ["eth0"]}')

/** A node on these interfaces. Throws `P2PSIP_BAD_CONFIG` where there is no such one. */
export function onInterfaces(runtime: Runtime, options: InterfacesOptions, addressOfKey: () => Address): LocalLinks {
  const { interfaces, address, port, beaconMs, maxNeighbours, maxDatagramsPerSecond } = options
  const settings = withDefaults(defaults, { port, beaconMs, maxNeighbours, maxDatagramsPerSecond })
  const mac = interfaces.map(macOf).find((one) => /[1-9a-f]/i.test(one))
  const self = address !== undefined ? parseAddress(address) : mac !== undefined ? addressOfMac(mac) : addressOfKey()
  const open = new UdpEther({ runtime }, { interfaces, port: settings.port })
  const ether = options.secret === undefined ? open : new SealedEther({ ether: open, metrics: runtime.metrics }, options.secret)
  return new LocalLinks({ runtime, ether, address: self }, settings)
}

/** Of an interface that may have no address yet. Throws `P2PSIP_BAD_CONFIG` where there is no such one. */
function macOf(name: string): string {
  const present = networkInterfaces()
  const mac = present[name]?.[0]?.mac ?? macOfLinux(name)
  if (mac !== undefined) return mac
  const known = Object.keys(present).join(", ") || "none"
  throw new P2PSipError("P2PSIP_BAD_CONFIG", `mesh.interfaces: expected a network interface of this machine (${known}), found ${JSON.stringify(name)}`)
}

/** Node does not tell of interfaces without addresses. */
function macOfLinux(name: string): string | undefined {
  try {
    return name.includes("/") ? undefined : readFileSync(`/sys/class/net/${name}/address`, "latin1").trim()
  } catch {
    return undefined
  }
}
