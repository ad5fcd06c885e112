/** Frames and bytes sent, by kind: what maintenance costs, and what the work. */
import { channels } from "../link/link.ts"
import type { Channel } from "../link/link.ts"
import { frameKinds } from "../overlay/rpc-frame.ts"

export interface TrafficShare {
  readonly frames: number
  readonly bytes: number
}

/** Counts at one moment, for differences. */
export type TrafficCounts = readonly [frames: Float64Array, bytes: Float64Array]

const requestMethodAt = 5
const notificationMethodAt = 1
const slots = 256
const remembered = 1 << 18
const sipKind = 6
const otherKind = 7

const kindNames = new Map<number, string>([
  ...Object.entries(frameKinds).map(([name, number]): [number, string] => [number, name]),
  [sipKind, "sip"],
  [otherKind, "other"],
])

/** Counts by channel and, on the overlay's, by RPC frame kind and method number. */
export class Traffic {
  readonly #frames = new Float64Array((otherKind + 1) * slots)
  readonly #bytes = new Float64Array((otherKind + 1) * slots)
  /** The latest requests by number, as many as are likely to be under way: what a reply replies to. */
  readonly #askedIds = new Uint32Array(remembered)
  readonly #askedMethods = new Uint8Array(remembered)

  count(channel: Channel, frame: Uint8Array): void {
    const at = this.#slotOf(channel, frame)
    this.#frames[at] = (this.#frames[at] as number) + 1
    this.#bytes[at] = (this.#bytes[at] as number) + frame.length
  }

  #slotOf(channel: Channel, frame: Uint8Array): number {
    if (channel === channels.sip) return sipKind * slots
    const kind = frame[0] ?? otherKind
    if (kind === frameKinds.notification) return kind * slots + (frame[notificationMethodAt] ?? 0)
    if (kind >= sipKind) return otherKind * slots
    const id = readId(frame)
    const place = id % remembered
    if (kind === frameKinds.request) {
      this.#askedIds[place] = id
      this.#askedMethods[place] = frame[requestMethodAt] ?? 0
    }
    return kind * slots + (this.#askedIds[place] === id ? (this.#askedMethods[place] ?? 0) : 0)
  }

  counts(): TrafficCounts {
    return [this.#frames.slice(), this.#bytes.slice()]
  }

  /** By kind and method (`request 2`, `reply 2`), the heaviest first; since earlier counts, if given. */
  heaviest(since?: TrafficCounts): [string, TrafficShare][] {
    const shares: [string, TrafficShare][] = []
    this.#frames.forEach((total, at) => {
      const frames = total - (since?.[0][at] ?? 0)
      if (frames > 0) shares.push([nameOf(at), { frames, bytes: (this.#bytes[at] ?? 0) - (since?.[1][at] ?? 0) }])
    })
    return shares.sort(([, a], [, b]) => b.bytes - a.bytes)
  }
}

function readId(frame: Uint8Array): number {
  return (((frame[1] ?? 0) << 24) | ((frame[2] ?? 0) << 16) | ((frame[3] ?? 0) << 8) | (frame[4] ?? 0)) >>> 0
}

function nameOf(at: number): string {
  const kind = Math.floor(at / slots)
  const name = kindNames.get(kind) ?? "other"
  return at % slots === 0 ? name : `${name} ${at % slots}`
}
