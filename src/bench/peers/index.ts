/** Programs of others that can be measured beside the backends, by name. */
import type { SideKind } from "../side.ts"
import { bittorrentDht, kadDht } from "./dht-nodes.ts"
import { dhtnode } from "./dhtnode.ts"
import { kademliaDht } from "./kademlia-dht.ts"
import { kamailio } from "./kamailio.ts"
import { sipPackage } from "./sip-package.ts"

/** The table. */
export const outsidePeers: Readonly<Record<string, SideKind>> = {
  kamailio, dhtnode, "@libp2p/kad-dht": kadDht, "bittorrent-dht": bittorrentDht, "kademlia-dht": kademliaDht, sip: sipPackage,
}
