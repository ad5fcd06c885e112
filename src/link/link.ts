/**
 * Bytes between peers.
 *
 * A Link delivers whole frames between peers that know each other by
 * {@link PeerId}. Frames to one peer arrive in the order in which they were
 * sent, each at most once; any may be lost when a connection breaks, and
 * nothing tells the sender: whoever needs an answer asks for one and waits
 * with a timer. The sender named by the Link is authentic.
 */

/** The text form of a peer's public key (libp2p's base58 form), or any unique text for Links inside one process. */
export type PeerId = string

/** Where a peer can be reached. */
export interface PeerAddress {
  readonly peerId: PeerId
  /** Multiaddrs, most useful first; may be empty for a peer that only dials out. */
  readonly addresses: readonly string[]
}

/** What a frame carries; its number is the first byte on the wire. */
export const channels = { overlay: 1, sip: 2, media: 3 } as const

/** One of {@link channels}. */
export type Channel = (typeof channels)[keyof typeof channels]

/**
 * Receives each frame; `frame` belongs to the receiver. It may be a view of
 * something larger: whoever keeps a part of it for long copies that part.
 */
export type FrameHandler = (from: PeerId, frame: Uint8Array) => void

/** A connection to a peer came to be, or was lost or could not be made. "down" is a hint that the peer may be dead, not a proof. */
export interface PeerEvent {
  readonly name: "up" | "down"
  readonly peerId: PeerId
}

/** See the head of this file. */
export interface Link {
  /** This peer. The addresses are complete once `start` has resolved. */
  readonly self: PeerAddress
  /** The longest frame that `send` takes, in bytes. */
  readonly maxFrameBytes: number
  /** Whether frames get lost now and then though no connection breaks, as packets of a radio mesh do. @default false */
  readonly isLossy?: boolean

  /** Begins to listen. Rejects with `P2PSIP_PORT_IN_USE` where that is the reason. */
  start(): Promise<void>
  /** Sends what is queued (for a bounded time), then closes everything. Idempotent. */
  stop(): Promise<void>

  /** Dials an address whose owner may be unknown; resolves with who answered. Rejects with `P2PSIP_UNREACHABLE`. */
  resolve(address: string, options?: { readonly signal?: AbortSignal }): Promise<PeerAddress>
  /** Remembers where a peer can be reached (a bounded table). */
  learn(peer: PeerAddress): void

  /**
   * Queues a frame, dialling first if need be. The bytes must not be changed
   * afterwards. Returns false, and drops the frame, when the frame is too long,
   * the peer's queue full, its address unknown, or the Link stopped. A frame to
   * oneself is delivered like any other.
   */
  send(to: PeerId, channel: Channel, frame: Uint8Array): boolean

  /** Sets the one receiver of a channel. */
  onFrame(channel: Channel, handler: FrameHandler): void
  /** Adds a listener; the result removes it. */
  onPeer(listener: (event: PeerEvent) => void): () => void
}
