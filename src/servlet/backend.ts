/** The shape of a backend's module: what `loadBackend` finds under a name. */
import type { ZodType } from "zod"
import type { Link, PeerAddress, PeerId } from "../link/link.ts"
import type { OpenJournal } from "../runtime/journal.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { NetworkLink } from "./network.ts"
import type { P2PSipServlet } from "./servlet.ts"

/** What a backend is built from. */
export interface BackendComponents {
  readonly runtime: Runtime
  /** Not started yet, or started: the owner of the Link starts and stops it. */
  readonly link: Link
  /**
   * The peers that start an overlay together, this one among them; the same
   * array for all. `join` without bootstrap peers then takes this peer's place
   * among them. Only for backends with `takesFounders`.
   */
  readonly founders?: readonly PeerAddress[]
  /** A folder of this peer's own, where it may keep what shall outlive the process. */
  readonly dataFolder?: string | undefined
  /** Takes the place of a file in `dataFolder`: another device, or a simulated one. */
  readonly openJournal?: OpenJournal | undefined
}

/** What a network of a backend's own is built from. */
export interface NetworkComponents {
  readonly runtime: Runtime
  /** Follows from the peer's key: who the peer would be on the Link beneath. */
  readonly name: PeerId
  /** The Link that the peer would have without the backend's; not made before it is asked for. */
  readonly beneath: () => Link
}

/**
 * A backend exports one of these as `backend`.
 *
 * ```ts
 * export const backend: BackendModule<MyOptions> = {
 *   name: "mine",
 *   optionsSchema: servletOptionsSchema.extend({ fanOut: z.int().default(3) }),
 *   create: ({ runtime, link }, options) => new MyServlet({ runtime, link }, options),
 * }
 * ```
 */
export interface BackendModule<Options = unknown> {
  readonly name: string
  /** Checks `backendOptions` of the configuration and fills in defaults. */
  readonly optionsSchema: ZodType<Options>
  /** Whether `BackendComponents.founders` is heeded. @default false */
  readonly takesFounders?: boolean
  /**
   * For a backend that is a network, not only a hash table on one: the Link that
   * its servlet and SIP between peers then use. Whoever starts and stops it
   * starts and stops what is beneath. Throws `P2PSIP_BAD_CONFIG`.
   */
  createLink?(components: NetworkComponents, options: Options): NetworkLink
  /** Builds a servlet in state `new`; `options` have passed the schema. */
  create(components: BackendComponents, options: Options): P2PSipServlet
}
