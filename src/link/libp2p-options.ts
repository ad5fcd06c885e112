/** What can be set on the Link over libp2p, with the defaults. */
import { defaultLinkLimits, type LinkLimits } from "./limits.ts"
import type { RemotePeerTimes } from "./remote-peer.ts"
import type { Settings } from "./settings.ts"

/** Everything that can be set; bounds and times have careful defaults. */
export interface Libp2pLinkOptions extends LinkLimits, RemotePeerTimes {
  /** What all peers of the overlay must have in common; one that says otherwise is named in the log. */
  readonly settings: Settings
  /** What all peers of the overlay know, and nobody else; without it whoever can connect is a peer. */
  readonly secret?: string | undefined
  /** Multiaddrs to listen on; none for a peer that only dials out. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead of those that were bound (behind a NAT with a forwarded port). */
  readonly announce: readonly string[]
  /** Connections at most, in and out together. */
  readonly maxConnections: number
  /** Inbound connections that have not finished their handshakes. */
  readonly maxPendingConnections: number
  /** New inbound connections per second from one host; a NAT or a test may hide many peers. */
  readonly maxConnectionsPerSecond: number
  /** Noise, yamux and the choice of a protocol, for inbound connections. */
  readonly handshakeTimeoutMs: number
  /** A connection without a single byte for this long is closed; keep-alives come more often. */
  readonly idleTimeoutMs: number
  /** How long `stop` waits for what is queued. */
  readonly stopTimeoutMs: number
}

const second = 1000

/** The defaults of {@link Libp2pLinkOptions}. */
export const defaultLibp2pLinkOptions: Libp2pLinkOptions = {
  ...defaultLinkLimits,
  settings: {},
  listen: ["/ip4/127.0.0.1/tcp/0"],
  announce: [],
  maxConnections: 1024,
  maxPendingConnections: 64,
  maxConnectionsPerSecond: 200,
  handshakeTimeoutMs: 5 * second,
  idleTimeoutMs: 60 * second,
  stopTimeoutMs: 2 * second,
  dialTimeoutMs: 5 * second,
  minBackoffMs: 50,
  maxBackoffMs: 5 * second,
  maxQueuedMs: 5 * second,
  keepAliveMs: 10 * second,
  keepAliveTimeoutMs: 10 * second,
}
