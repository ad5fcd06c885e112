/**
 * A backend of your own in two files: a full mesh. Everybody knows everybody,
 * and a key belongs to the next peer clockwise; so every operation is one hop.
 *
 * A backend answers only "who is responsible for this key, and who comes
 * next?" (`KeyBasedRouting`, in mesh.ts). That records are stored, copied,
 * handed over and repaired is the work of `OverlayServlet`.
 */
import type { OverlayOptions } from "p2psip/overlay"
import { OverlayServlet, overlayOptionsSchema } from "p2psip/overlay"
import type { BackendModule } from "p2psip/servlet"
import { FullMesh } from "./mesh.ts"

/** What `backend: "p2psip-full-mesh"` finds in this package. */
export const backend: BackendModule<OverlayOptions> = {
  name: "full-mesh",
  optionsSchema: overlayOptionsSchema,
  create: (components, options) => new OverlayServlet("full-mesh", components, (context) => new FullMesh(context), options),
}
