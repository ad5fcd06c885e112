/** The Kademlia backend: a servlet on a tree of peers. See README.md and PROTOCOL.md. */
import type { OverlayOptions } from "../../src/overlay/index.ts"
import { OverlayServlet, overlayOptionsSchema } from "../../src/overlay/index.ts"
import type { BackendComponents, BackendModule } from "../../src/servlet/index.ts"
import type { KademliaOptions } from "./options.ts"
import { kademliaOptionsShape } from "./options.ts"
import { KademliaRouting } from "./routing.ts"

export type { KademliaOptions } from "./options.ts"
export { KademliaRouting } from "./routing.ts"

/** Options of the Kademlia backend: its routing's, and those of the storage above it. */
export type KademliaBackendOptions = OverlayOptions & KademliaOptions

/** A servlet whose records live with the peers closest to their keys by XOR. */
export function createBackend(components: BackendComponents, options: KademliaBackendOptions = {}): OverlayServlet {
  return new OverlayServlet("kademlia", components, (context) => new KademliaRouting(context, options), options)
}

/** The entry of the table of backends. */
export const backend: BackendModule<KademliaBackendOptions> = {
  name: "kademlia",
  takesFounders: true,
  optionsSchema: overlayOptionsSchema.extend(kademliaOptionsShape),
  create: createBackend,
}
