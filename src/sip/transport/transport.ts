/**
 * What carries SIP: a transport listens, and opens flows.
 *
 * A {@link Flow} is one way to one remote: a UDP address pair, a connection,
 * or another peer of the overlay. Responses go back on the flow of their
 * request (RFC 3581, RFC 5626).
 */
import type { Runtime } from "../../runtime/runtime.ts"

/** The transport token of Via headers; `P2P` is SIP between peers of the overlay. */
export type TransportProtocol = "UDP" | "TCP" | "TLS" | "WS" | "WSS" | "P2P"

/** A host and a port; for `P2P` the host is the peer's overlay host name and the port 0. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Where to go, and who must be there. */
export interface Remote extends HostPort {
  /** The name that led to this address, where that is not the address itself: TLS demands a certificate for it (RFC 5922 §7.3). */
  readonly serverName?: string
}

/** One way to one remote; see the head of this file. */
export interface Flow {
  readonly transport: Transport
  readonly remote: HostPort
  /** The same text for the same flow while it lives, e.g. `UDP 127.0.0.1:5060 127.0.0.1:40001`. */
  readonly key: string
  readonly isOpen: boolean
  /** Queues one message. A failure shows as `onClose`, never as an exception. */
  send(message: Uint8Array): void
  /** Adds a listener for the flow's end; the result removes it. A UDP flow ends with ICMP errors only. */
  onClose(listener: (error: Error | undefined) => void): () => void
}

/** Says who may send how much; a port, which `security` implements. Asked before anything is read. */
export interface Gate {
  /** Counts one message, or one connection that comes in; false where it is to be dropped. */
  admits(protocol: TransportProtocol, remote: HostPort): boolean
}

/** What every transport takes from elsewhere. */
export interface TransportComponents {
  readonly runtime: Runtime
  /** @default everybody may send as much as they can */
  readonly gate?: Gate | undefined
}

/** A listener, and the flows that it has. */
export interface Transport {
  readonly protocol: TransportProtocol
  /** TCP and its kin: no retransmission by transactions. */
  readonly isReliable: boolean
  /** The longest message that it can carry, in bytes; undefined where there is no such bound. Longer ones are dropped and counted. */
  readonly maxMessageBytes?: number
  /** What Via, Record-Route and Path say; differs from the bound address behind NAT. Valid once started. */
  readonly advertised: HostPort
  /** The address listened at, where there is one; may be a wildcard. Valid once started. */
  readonly bound?: HostPort | undefined
  /** How long a message waits at present before this process reads it, where the transport can tell: the measure of overload. */
  readonly queueDelayMs?: number
  /** How many of the probes that measure this wait were dropped by a full queue, ever. */
  readonly queueLosses?: number
  /** Begins to listen. Rejects with `P2PSIP_PORT_IN_USE` where that is the reason. */
  start(): Promise<void>
  stop(): Promise<void>
  /** The flow to a remote, opened if need be; undefined when no more may be opened. */
  flowTo(remote: Remote): Flow | undefined
  /** The open flow of that key, if it is (still) there. */
  flowOf(key: string): Flow | undefined
  /** Sets the receiver of each whole, framed message. */
  onMessage(receiver: (message: Uint8Array, flow: Flow) => void): void
}
