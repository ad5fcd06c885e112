/** The places of peers in the modelled network, and the connections between them. */
import type { Channel, PeerEvent, PeerId } from "../link/link.ts"
import type { Backlog } from "./backlog.ts"

/** What a host does with what arrives. */
export interface HostReceiver {
  receive(from: PeerId, channel: Channel, frame: Uint8Array): void
  peerEvent(event: PeerEvent): void
}

/** In the place of a peer that is gone: its name is remembered, and nothing else of it is held in memory. */
export const nobody: HostReceiver = { receive: () => undefined, peerEvent: () => undefined }

/** One peer's place in the network. A restarted peer is a new host. */
export interface Host {
  readonly peerId: PeerId
  readonly index: number
  receiver: HostReceiver
  readonly connections: Map<PeerId, Connection>
  /** Of the process; undefined as long as nothing has ever held it up. */
  backlog: Backlog | undefined
  isUp: boolean
  /** Hosts of different groups do not reach each other. */
  group: number
  /** Extra time before anything that arrives is dealt with. */
  slownessMs: number
  /** Behind a NAT: takes no connection that it did not dial. */
  isNatted: boolean
  uploadFreeAt: number
}

/** Both directions of a connection; `floor` keeps each in order. */
export interface Connection {
  readonly dialler: Host
  readonly listener: Host
  toListenerFloor: number
  toDiallerFloor: number
  isOpen: boolean
  /** Set when it was reset while both ends were up. */
  isReset: boolean
}
