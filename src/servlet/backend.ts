/** The shape of a backend's module: what `loadBackend` finds under a name. */
import type { ZodType } from "zod"
import type { Link } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { P2PSipServlet } from "./servlet.ts"

/** What a backend is built from. */
export interface BackendComponents {
  readonly runtime: Runtime
  /** Not started yet, or started: the owner of the Link starts and stops it. */
  readonly link: Link
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
  /** Builds a servlet in state `new`; `options` have passed the schema. */
  create(components: BackendComponents, options: Options): P2PSipServlet
}
