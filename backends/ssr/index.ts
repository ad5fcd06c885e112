/** The SSR backend: a servlet on a mesh that routes by itself. See README.md and PROTOCOL.md. */
import type { OverlayOptions } from "../../src/overlay/index.ts"
import { OverlayServlet, overlayOptionsSchema } from "../../src/overlay/index.ts"
import type { BackendComponents, BackendModule } from "../../src/servlet/index.ts"
import { MeshLink } from "./mesh-link.ts"
import type { SsrOptions } from "./options.ts"
import { ssrOptionsShape, ssrSettings } from "./options.ts"
import { SsrRouting } from "./routing.ts"
import { Wired } from "./wired.ts"

export type { SsrOptions } from "./options.ts"

/** Options of the SSR backend: its routing's, and those of the storage above it. */
export type SsrBackendOptions = OverlayOptions & SsrOptions

/** The mesh over the Link that a peer was given: chosen peers there are the neighbours by wire. */
export function createLink({ runtime, link }: BackendComponents, options: SsrBackendOptions = {}): MeshLink {
  const settings = ssrSettings(options)
  const mesh = new Wired({ runtime, link }, settings)
  return new MeshLink({ runtime, mesh, resolve: (address, how) => link.resolve(address, how) }, settings)
}

/** A servlet whose records live with the nodes whose addresses come before their keys, and with the neighbours of these. */
export function createBackend(components: BackendComponents, options: SsrBackendOptions = {}): OverlayServlet {
  const link = components.link instanceof MeshLink ? components.link : createLink(components, options)
  return new OverlayServlet("ssr", { ...components, link }, ({ runtime }) => new SsrRouting({ runtime, link }, ssrSettings(options)), options)
}

/** The entry of the table of backends. */
export const backend: BackendModule<SsrBackendOptions> = {
  name: "ssr",
  optionsSchema: overlayOptionsSchema.extend(ssrOptionsShape),
  create: createBackend,
}
