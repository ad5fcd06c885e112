/** One stream of a call at the relay of one phone: plain data, and who may send what. */
import type { PeerId } from "../link/link.ts"
import type { HostPort } from "../sip/transport/index.ts"
import type { MediaKind, PortPair } from "./relay-ports.ts"

export interface RemoteRelay {
  readonly peerId: PeerId
  readonly id: string
}

export interface MediaStream {
  /** Names it to the relay at the other end. */
  readonly id: string
  /** The IP address that the phone's signalling comes from: nobody else takes part. */
  readonly phoneHost: string
  /** Where the phone expects packets, as it says itself; undefined until it has. */
  phonePort: number | undefined
  /** Where its RTP and RTCP have come from, which is where they are answered (RFC 4961). */
  readonly latched: [rtp: number | undefined, rtcp: number | undefined]
  /** The relays at the other end, by the tags of those who are there: before it is answered, a call may have several. */
  readonly remotes: Map<string, RemoteRelay>
  /** What the phone was told; undefined until it was. */
  pair: PortPair | undefined
  /** Packets of either direction in the second at hand. */
  counted: { since: number; packets: number }
}

/** Longer packets than Ethernet carries are none of a phone. */
export const maxPacketBytes = 1500
/** Of one stream, both directions together: several times what video takes. */
const maxPacketsPerSecond = 1000

export function newStream(id: string, phoneHost: string): MediaStream {
  return { id, phoneHost, phonePort: undefined, latched: [undefined, undefined], remotes: new Map(), pair: undefined, counted: { since: 0, packets: 0 } }
}

/** What the phone says of itself: another port is a new beginning. */
export function expectAt(stream: MediaStream, port: number): void {
  if (stream.phonePort === port) return
  stream.phonePort = port
  stream.latched[0] = stream.latched[1] = undefined
}

/** Whether a packet comes from the phone. The first one says from which port, unless one comes from where the phone has said: the first may belong to a call before. */
export function isFromPhone(stream: MediaStream, kind: MediaKind, from: HostPort): boolean {
  // Nothing can be sent to port 0, which a packet may come from all the same.
  if (from.host !== stream.phoneHost || from.port === 0) return false
  if (stream.phonePort !== undefined && from.port === stream.phonePort + kind) stream.latched[kind] = from.port
  const port = (stream.latched[kind] ??= from.port)
  return port === from.port
}

/** Where packets for the phone go; undefined while nobody knows. */
export function placeOfPhone({ phoneHost, phonePort, latched }: MediaStream, kind: MediaKind): HostPort | undefined {
  const port = latched[kind] ?? (phonePort === undefined ? undefined : phonePort + kind)
  return port === undefined || port > 65_535 ? undefined : { host: phoneHost, port }
}

/** Counts a packet; false where there are too many. */
export function admits({ counted }: MediaStream, now: number): boolean {
  if (now - counted.since >= 1000) {
    counted.since = now
    counted.packets = 0
  }
  return ++counted.packets <= maxPacketsPerSecond
}
