/** Options of the table of all members, their defaults in one place. */

/** What can be set on `Membership`. */
export interface MembershipOptions {
  /** Live members that are remembered; a larger overlay is known in part only, until it has shrunk to nine tenths of that. @default 4096 */
  readonly maxMembers?: number | undefined
  /** Mean time between comparisons with a random member. @default 5000 */
  readonly gossipIntervalMs?: number | undefined
  /** News waits this long for company before it is pushed. @default 100 */
  readonly pushDelayMs?: number | undefined
  /** Members to whom one push goes. @default 3 */
  readonly pushFanout?: number | undefined
  /** The most that pushes and comparisons may send, on average. @default 16384 */
  readonly maxBytesPerSecond?: number | undefined
  /** Where keeping up with all that come and go would cost more, a peer keeps no table. @default 400 */
  readonly maxNewsBytesPerSecond?: number | undefined
  /** The most entries' bytes in one frame. @default 49152 */
  readonly maxFrameBytes?: number | undefined
}

/** The defaults of {@link MembershipOptions}. */
export const membershipDefaults = {
  maxMembers: 4096,
  gossipIntervalMs: 5_000,
  pushDelayMs: 100,
  pushFanout: 3,
  maxBytesPerSecond: 16_384,
  maxNewsBytesPerSecond: 400,
  maxFrameBytes: 48 * 1024,
}
