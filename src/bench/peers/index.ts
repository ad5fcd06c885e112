/** Programs of others that can be measured beside the backends, by name. */
import type { SideKind } from "../side.ts"
import { dhtnode } from "./dhtnode.ts"
import { kademliaDht } from "./kademlia-dht.ts"
import { kamailio } from "./kamailio.ts"
import { sipPackage } from "./sip-package.ts"

/** The table. */
export const outsidePeers: Readonly<Record<string, SideKind>> = { kamailio, dhtnode, "kademlia-dht": kademliaDht, sip: sipPackage }
