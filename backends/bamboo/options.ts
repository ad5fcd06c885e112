/** Options of the Bamboo backend's routing, their defaults in one place. */
import { z } from "zod"
import type { MembershipOptions } from "../../src/overlay/membership-options.ts"
import { membershipSchema, milliseconds } from "../../src/overlay/options.ts"
import { withDefaults } from "../../src/overlay/with-defaults.ts"

export interface BambooOptions {
  /** Leaves on either side; one less may fail at once. 4 to 16. @default 8 */
  readonly leavesPerSide?: number | undefined
  /** Mean time between two exchanges of leaf sets; trouble is looked into at once all the same. @default 4000 */
  readonly leafExchangeMs?: number | undefined
  /** Mean time between two questions for a row of a neighbour's table. @default 10000 */
  readonly localTuningMs?: number | undefined
  /** Mean time between two look-ups of a missing prefix. @default 20000 */
  readonly globalTuningMs?: number | undefined
  /** Mean time between two attempts to reach members that were lost from sight. @default 30000 */
  readonly reunionMs?: number | undefined
  /** How long a join may take before it is given up. @default 60000 */
  readonly joinTimeoutMs?: number | undefined
  /** The table of all members, while they are few. `maxMembers: 1` does without. */
  readonly membership?: MembershipOptions | undefined
}

/** Every option, none missing. */
export type BambooSettings = { readonly [Name in keyof BambooOptions]-?: Exclude<BambooOptions[Name], undefined> }

/** Checks {@link BambooOptions}, property by property. */
export const bambooOptionsShape = {
  leavesPerSide: z.int().min(4).max(16).optional(),
  leafExchangeMs: milliseconds.optional(),
  localTuningMs: milliseconds.optional(),
  globalTuningMs: milliseconds.optional(),
  reunionMs: milliseconds.optional(),
  joinTimeoutMs: milliseconds.optional(),
  membership: membershipSchema.optional(),
}

const defaults: BambooSettings = {
  leavesPerSide: 8,
  leafExchangeMs: 4_000,
  localTuningMs: 10_000,
  globalTuningMs: 20_000,
  reunionMs: 30_000,
  joinTimeoutMs: 60_000,
  membership: {},
}

/** The settings that the options ask for; what they leave out is the default. */
export function bambooSettings(options: BambooOptions = {}): BambooSettings {
  const { leavesPerSide, leafExchangeMs, localTuningMs, globalTuningMs, reunionMs, joinTimeoutMs, membership } = options
  return withDefaults(defaults, {
    leavesPerSide, leafExchangeMs, localTuningMs, globalTuningMs, reunionMs, joinTimeoutMs, membership,
  })
}
