/** The SSR backend: a servlet on a mesh that routes by itself. See README.md and PROTOCOL.md. */
import type { OverlayOptions } from "../../src/overlay/index.ts"
import { OverlayServlet, overlayOptionsSchema } from "../../src/overlay/index.ts"
import type { BackendComponents, BackendModule, NetworkComponents } from "../../src/servlet/index.ts"
import { addressOfPeer } from "./address.ts"
import type { InterfacesOptions } from "./interfaces.ts"
import { interfacesSchema, onInterfaces } from "./interfaces.ts"
import { MeshLink } from "./mesh-link.ts"
import type { SsrOptions } from "./options.ts"
import { ssrOptionsShape, ssrSettings } from "./options.ts"
import { SsrRouting } from "./routing.ts"
import { Wired } from "./wired.ts"

export type { InterfacesOptions } from "./interfaces.ts"
export type { SsrOptions } from "./options.ts"

/** Options of the SSR backend: its routing's, and those of the storage above it. */
export interface SsrBackendOptions extends OverlayOptions, SsrOptions {
  /** Neighbours on network interfaces, instead of peers of the Link beneath. */
  readonly mesh?: InterfacesOptions | undefined
}

/** The mesh on network interfaces; or over the Link that the peer would have without it, of which some peers become neighbours by wire. */
export function createLink({ runtime, beneath, name }: NetworkComponents, options: SsrBackendOptions = {}): MeshLink {
  const settings = ssrSettings(options)
  if (options.mesh !== undefined) return new MeshLink({ runtime, mesh: onInterfaces(runtime, options.mesh, () => addressOfPeer(name)) }, settings)
  const link = beneath()
  return new MeshLink({ runtime, mesh: new Wired({ runtime, link }, settings), resolve: (address, how) => link.resolve(address, how) }, settings)
}

/** A servlet whose records live with the nodes whose addresses come before their keys, and with the neighbours of these. */
export function createBackend(components: BackendComponents, options: SsrBackendOptions = {}): OverlayServlet {
  const { runtime, link: given } = components
  const link = given instanceof MeshLink ? given : createLink({ runtime, name: given.self.peerId, beneath: () => given }, { ...options, mesh: undefined })
  return new OverlayServlet("ssr", { ...components, link }, ({ runtime }) => new SsrRouting({ runtime, link }, ssrSettings(options)), options)
}

/** The entry of the table of backends. */
export const backend: BackendModule<SsrBackendOptions> = {
  name: "ssr",
  optionsSchema: overlayOptionsSchema.extend({ ...ssrOptionsShape, mesh: interfacesSchema.optional() }),
  createLink,
  create: createBackend,
}
