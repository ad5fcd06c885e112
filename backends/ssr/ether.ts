/**
 * Network interfaces, as far as neighbours care: datagrams to everybody there,
 * and to one. Any datagram may get lost, come twice, or be anybody's.
 */

/** Receives datagrams: by which interface, from which place there. The bytes belong to the receiver. */
export type DatagramHandler = (on: string, from: string, datagram: Uint8Array) => void

/** See the head of this file. */
export interface Ether {
  /** The longest datagram that goes over every link whole. */
  readonly maxDatagramBytes: number
  /** The interfaces that work at present, one name for each and each protocol on it. */
  interfaces(): Iterable<string>
  /** Begins to listen. Rejects with `P2PSIP_PORT_IN_USE` where that is the reason. */
  open(): Promise<void>
  close(): Promise<void>
  /** To all on an interface that listen. */
  shout(on: string, datagram: Uint8Array): void
  /** To one place. False, and nothing sent, where too much is waiting to be sent. */
  send(on: string, to: string, datagram: Uint8Array): boolean
  /** Sets the receiver. */
  onDatagram(handler: DatagramHandler): void
}
