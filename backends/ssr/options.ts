/** Options of the SSR backend's routing, their defaults in one place. */
import { z } from "zod"
import { milliseconds } from "../../src/overlay/options.ts"
import { withDefaults } from "../../src/overlay/with-defaults.ts"

export interface SsrOptions {
  /** Nodes whose ways a node remembers, its neighbours included. 16 to 65536. @default 256 */
  readonly maxRoutes?: number | undefined
  /** Time between two rounds of looking after the ring while things change. @default 500 */
  readonly minStabilizeMs?: number | undefined
  /** The same when nothing has changed for long. @default 30000 */
  readonly maxStabilizeMs?: number | undefined
  /** How nodes find their places on the ring: `isprp` needs floods, and is there to compare with. All nodes of a mesh have the same. @default linearization */
  readonly ring?: "linearization" | "isprp" | undefined
  /** Links to other peers that a node on a wired network keeps up. 1 to 64. @default 4 */
  readonly wiredLinks?: number | undefined
  /** How long a join may take before it is given up. @default 60000 */
  readonly joinTimeoutMs?: number | undefined
}

/** Every option, none missing. */
export type SsrSettings = { readonly [Name in keyof SsrOptions]-?: Exclude<SsrOptions[Name], undefined> }

/** Checks {@link SsrOptions}, property by property. */
export const ssrOptionsShape = {
  maxRoutes: z.int().min(16).max(65_536).optional(),
  minStabilizeMs: milliseconds.optional(),
  maxStabilizeMs: milliseconds.optional(),
  ring: z.enum(["linearization", "isprp"]).optional(),
  wiredLinks: z.int().min(1).max(64).optional(),
  joinTimeoutMs: milliseconds.optional(),
}

const defaults: SsrSettings = {
  maxRoutes: 256,
  minStabilizeMs: 500,
  maxStabilizeMs: 30_000,
  ring: "linearization",
  wiredLinks: 4,
  joinTimeoutMs: 60_000,
}

/** The settings that the options ask for; what they leave out is the default. */
export function ssrSettings(options: SsrOptions = {}): SsrSettings {
  const { maxRoutes, minStabilizeMs, maxStabilizeMs, ring, wiredLinks, joinTimeoutMs } = options
  return withDefaults(defaults, { maxRoutes, minStabilizeMs, maxStabilizeMs, ring, wiredLinks, joinTimeoutMs })
}
