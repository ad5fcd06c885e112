/** What becomes of packets that are followed link by link. */
import { addressBytes } from "../../backends/ssr/address.ts"
import { originFlag, payloadTypes } from "../../backends/ssr/packet.ts"

/** What packets between pairs have met. */
export interface Delivery {
  readonly delivered: number
  readonly sent: number
  /** Links travelled, over those of the shortest way: median, 99th percentile. */
  readonly stretch: readonly [number, number]
  /** Bytes of a packet on a link without its payload: median, 99th percentile. */
  readonly headerBytes: readonly [number, number]
}

/** A packet that was sent, and how many links the shortest way had. */
export interface Sent {
  readonly number: number
  readonly shortest: number
}

/** Marks the packets whose links are counted; a number follows. */
const mark = Buffer.from("p2psip mesh packet")

/** See the head of this file. */
export class MeshTracks {
  /** Packets on links, those that are followed aside. */
  others = 0
  /** Links travelled, by the number of the packet; then whether it has arrived where it was to. */
  readonly #links: number[] = []
  readonly #arrived = new Set<number>()
  #headers: number[] = []

  /** The payload of the next packet to follow, and its number. */
  next(): { readonly number: number; readonly payload: Buffer } {
    const number = this.#links.push(0) - 1
    const payload = Buffer.alloc(mark.length + 4)
    mark.copy(payload)
    payload.writeUInt32BE(number, mark.length)
    return { number, payload }
  }

  /** Forgets how long headers were. */
  beginPhase(): void {
    this.#headers = []
  }

  onSend(packet: Uint8Array): void {
    const frame = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)
    const payloadAt = frame.length - mark.length - 4
    if (payloadAt < 4 || !isApplication(frame, payloadAt) || !frame.subarray(payloadAt, -4).equals(mark)) {
      this.others++
      return
    }
    const number = frame.readUInt32BE(frame.length - 4)
    this.#links[number] = (this.#links[number] ?? 0) + 1
    this.#headers.push(payloadAt)
  }

  onArrival(payload: Uint8Array): void {
    this.#arrived.add(Buffer.from(payload).readUInt32BE(mark.length))
  }

  judge(sent: readonly Sent[]): Delivery {
    const arrived = sent.filter(({ number }) => this.#arrived.has(number))
    const stretches = arrived.map(({ number, shortest }) => (this.#links[number] ?? 0) / Math.max(1, shortest))
    return { delivered: arrived.length, sent: sent.length, stretch: percentiles(stretches), headerBytes: percentiles(this.#headers) }
  }
}

/** Whether the header that ends there says so; a packet on a long way says after that who has sent it. */
function isApplication(frame: Buffer, payloadAt: number): boolean {
  if (frame.readUInt32BE(payloadAt - 4) === payloadTypes.application) return true
  const at = payloadAt - addressBytes - 4
  return at > 0 && frame.readUInt32BE(at) === payloadTypes.application + originFlag
}

function percentiles(values: readonly number[]): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN
  return [at(0.5), at(0.99)]
}
