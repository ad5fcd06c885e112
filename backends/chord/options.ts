/** Options of the Chord backend's routing, their defaults in one place. */
import { z } from "zod"
import type { MembershipOptions } from "../../src/overlay/membership-options.ts"
import { membershipSchema, milliseconds } from "../../src/overlay/options.ts"
import { withDefaults } from "../../src/overlay/with-defaults.ts"

export interface ChordOptions {
  /** r: the length of the successor list; r-1 neighbours may fail at once. 2 to 32. @default 8 */
  readonly successors?: number | undefined
  /** Fingers, two for each halving of the ring; 16 to 64. @default 40 */
  readonly fingers?: number | undefined
  /** The least time between two routine stabilisations; trouble is looked into at once all the same. @default 1000 */
  readonly minStabilizeMs?: number | undefined
  /** The most time between two routine stabilisations, and so to find a neighbour that died silently. @default 5000 */
  readonly maxStabilizeMs?: number | undefined
  /** The least time between two refreshments of a finger (RFC 7363 §6.6 recommends 15 s). @default 15000 */
  readonly minFingerRefreshMs?: number | undefined
  /** The most time between two refreshments of a finger. @default 120000 */
  readonly maxFingerRefreshMs?: number | undefined
  /** Mean time between two attempts to reach members that were lost from sight. @default 30000 */
  readonly reunionMs?: number | undefined
  /** How long a join may take before it is given up. @default 60000 */
  readonly joinTimeoutMs?: number | undefined
  /** The table of all members, while they are few. `maxMembers: 1` does without. */
  readonly membership?: MembershipOptions | undefined
}

/** Every option, none missing. */
export type ChordSettings = { readonly [Name in keyof ChordOptions]-?: Exclude<ChordOptions[Name], undefined> }

/** Checks {@link ChordOptions}, property by property. */
export const chordOptionsShape = {
  successors: z.int().min(2).max(32).optional(),
  fingers: z.int().min(16).max(64).optional(),
  minStabilizeMs: milliseconds.optional(),
  maxStabilizeMs: milliseconds.optional(),
  minFingerRefreshMs: milliseconds.optional(),
  maxFingerRefreshMs: milliseconds.optional(),
  reunionMs: milliseconds.optional(),
  joinTimeoutMs: milliseconds.optional(),
  membership: membershipSchema.optional(),
}

const defaults: ChordSettings = {
  successors: 8,
  fingers: 40,
  minStabilizeMs: 1_000,
  maxStabilizeMs: 5_000,
  minFingerRefreshMs: 15_000,
  maxFingerRefreshMs: 120_000,
  reunionMs: 30_000,
  joinTimeoutMs: 60_000,
  membership: {},
}

/** The settings that the options ask for; what they leave out is the default. */
export function chordSettings(options: ChordOptions = {}): ChordSettings {
  const { successors, fingers, minStabilizeMs, maxStabilizeMs, minFingerRefreshMs, maxFingerRefreshMs } = options
  const { reunionMs, joinTimeoutMs, membership } = options
  return withDefaults(defaults, {
    successors, fingers, minStabilizeMs, maxStabilizeMs, minFingerRefreshMs, maxFingerRefreshMs, reunionMs, joinTimeoutMs, membership,
  })
}
