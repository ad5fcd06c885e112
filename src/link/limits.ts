/** What a Link holds at most; the same words for every Link. */
export interface LinkLimits {
  /** The longest frame, in bytes. */
  readonly maxFrameBytes: number
  /** Frames that wait for one peer. */
  readonly maxQueuedFrames: number
  /** Bytes of frames that wait for one peer. */
  readonly maxQueuedBytes: number
  /** Peers whose addresses are remembered; those unheard of for longest are forgotten first. */
  readonly maxKnownPeers: number
}

/** The defaults of {@link LinkLimits}. */
export const defaultLinkLimits: LinkLimits = {
  maxFrameBytes: 256 * 1024,
  maxQueuedFrames: 16_384,
  maxQueuedBytes: 8 * 1024 * 1024,
  maxKnownPeers: 10_000,
}
