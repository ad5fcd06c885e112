/** Programs of others that can be measured beside the backends, by name. */
import type { SideKind } from "../side.ts"
import { kademliaDht } from "./kademlia-dht.ts"

/** The table. */
export const outsidePeers: Readonly<Record<string, SideKind>> = { "kademlia-dht": kademliaDht }
