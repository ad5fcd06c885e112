/** Options of the Kademlia backend's routing, their defaults in one place. */
import { z } from "zod"
import type { MembershipOptions } from "../../src/overlay/membership-options.ts"
import { membershipSchema, milliseconds } from "../../src/overlay/options.ts"
import { withDefaults } from "../../src/overlay/with-defaults.ts"

export interface KademliaOptions {
  /** Contacts in a bucket, and members that a look-up finds. 8 to 32. @default 20 */
  readonly k?: number | undefined
  /** The closest members, each of which is known; copies lie with the nearest of them. 8 to 32. @default 20 */
  readonly siblings?: number | undefined
  /** Questions of one look-up under way at once. 1 to 16. @default 3 */
  readonly alpha?: number | undefined
  /** Paths of a look-up that share no peer (S/Kademlia). 1 to 8. @default 1 */
  readonly disjointPaths?: number | undefined
  /** The least time between two routine exchanges with siblings; trouble is looked into at once all the same. @default 1000 */
  readonly minExchangeMs?: number | undefined
  /** The most time between two routine exchanges, and so to find a sibling that died silently. @default 5000 */
  readonly maxExchangeMs?: number | undefined
  /** A bucket in which nobody was heard for so long is refreshed. @default 600000 */
  readonly refreshMs?: number | undefined
  /** Mean time between two attempts to reach members that were lost from sight. @default 30000 */
  readonly reunionMs?: number | undefined
  /** How long a join may take before it is given up. @default 60000 */
  readonly joinTimeoutMs?: number | undefined
  /** The table of all members, while they are few. `maxMembers: 1` does without. */
  readonly membership?: MembershipOptions | undefined
}

/** Every option, none missing. */
export type KademliaSettings = { readonly [Name in keyof KademliaOptions]-?: Exclude<KademliaOptions[Name], undefined> }

/** Checks {@link KademliaOptions}, property by property. */
export const kademliaOptionsShape = {
  k: z.int().min(8).max(32).optional(),
  siblings: z.int().min(8).max(32).optional(),
  alpha: z.int().min(1).max(16).optional(),
  disjointPaths: z.int().min(1).max(8).optional(),
  minExchangeMs: milliseconds.optional(),
  maxExchangeMs: milliseconds.optional(),
  refreshMs: milliseconds.optional(),
  reunionMs: milliseconds.optional(),
  joinTimeoutMs: milliseconds.optional(),
  membership: membershipSchema.optional(),
}

const defaults: KademliaSettings = {
  k: 20,
  siblings: 20,
  alpha: 3,
  disjointPaths: 1,
  minExchangeMs: 1_000,
  maxExchangeMs: 5_000,
  refreshMs: 600_000,
  reunionMs: 30_000,
  joinTimeoutMs: 60_000,
  membership: {},
}

/** The settings that the options ask for; what they leave out is the default. */
export function kademliaSettings(options: KademliaOptions = {}): KademliaSettings {
  const { k, siblings, alpha, disjointPaths, minExchangeMs, maxExchangeMs, refreshMs, reunionMs, joinTimeoutMs, membership } = options
  return withDefaults(defaults, {
    k, siblings, alpha, disjointPaths, minExchangeMs, maxExchangeMs, refreshMs, reunionMs, joinTimeoutMs, membership,
  })
}
