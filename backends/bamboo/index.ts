/** The Bamboo backend: a servlet on a ring of peers with prefix routing. See README.md and PROTOCOL.md. */
import type { OverlayOptions } from "../../src/overlay/index.ts"
import { OverlayServlet, overlayOptionsSchema } from "../../src/overlay/index.ts"
import type { BackendComponents, BackendModule } from "../../src/servlet/index.ts"
import type { BambooOptions } from "./options.ts"
import { bambooOptionsShape } from "./options.ts"
import { BambooRouting } from "./routing.ts"

export type { BambooOptions } from "./options.ts"
export { BambooRouting } from "./routing.ts"

/** Options of the Bamboo backend: its routing's, and those of the storage above it. */
export type BambooBackendOptions = OverlayOptions & BambooOptions

/** A servlet whose records live with the peers numerically closest to their keys. */
export function createBackend(components: BackendComponents, options: BambooBackendOptions = {}): OverlayServlet {
  return new OverlayServlet("bamboo", components, (context) => new BambooRouting(context, options), options)
}

/** The entry of the table of backends. */
export const backend: BackendModule<BambooBackendOptions> = {
  name: "bamboo",
  takesFounders: true,
  optionsSchema: overlayOptionsSchema.extend(bambooOptionsShape),
  create: createBackend,
}
