/** What every Link keeps: its counters, its receivers and its listeners. */
import type { Counter, Logger, Metrics, Runtime } from "../runtime/runtime.ts"
import { channels, type Channel, type FrameHandler, type PeerEvent, type PeerId } from "./link.ts"

/** Why a frame was dropped, or a stream closed. */
export type DropReason =
  /** The frame is longer than `maxFrameBytes`. */
  | "too-long"
  /** The peer's queue holds as many frames or bytes as allowed. */
  | "queue-full"
  /** Nobody has told where the peer can be reached. */
  | "unknown-peer"
  /** The Link is not started, or stopped. */
  | "not-running"
  /** The peer could not be reached, or the connection broke with frames queued. */
  | "unreachable"
  /** Bytes that arrived are no frame of this protocol. */
  | "bad-frame"
  /** A channel without a receiver. */
  | "no-receiver"
  /** The receiver threw; a defect of this package. */
  | "receiver-failed"

/** Frames and bytes in and out, and drops by reason. */
export class LinkCounters {
  readonly framesIn: Counter
  readonly framesOut: Counter
  readonly bytesIn: Counter
  readonly bytesOut: Counter
  readonly #drops = new Map<DropReason, Counter>()
  readonly #metrics: Metrics

  constructor(metrics: Metrics) {
    this.#metrics = metrics
    const frames = (direction: string): Counter =>
      metrics.counter("p2psip_link_frames_total", "Frames between peers.", { direction })
    const bytes = (direction: string): Counter =>
      metrics.counter("p2psip_link_bytes_total", "Bytes of frames between peers, without their headers.", { direction })
    this.framesIn = frames("in")
    this.framesOut = frames("out")
    this.bytesIn = bytes("in")
    this.bytesOut = bytes("out")
  }

  drop(reason: DropReason, count = 1): void {
    let counter = this.#drops.get(reason)
    if (counter === undefined) {
      counter = this.#metrics.counter("p2psip_link_drops_total", "Frames between peers that were dropped.", { reason })
      this.#drops.set(reason, counter)
    }
    counter.add(count)
  }
}

/** The receivers of a Link's channels; none of their failures reaches the Link. */
export class Receivers {
  readonly #handlers = new Map<number, FrameHandler>()
  readonly #counters: LinkCounters
  readonly #log: Logger

  constructor(runtime: Runtime, counters: LinkCounters) {
    this.#counters = counters
    this.#log = runtime.log
  }

  set(channel: Channel, handler: FrameHandler): void {
    this.#handlers.set(channel, handler)
  }

  deliver(from: PeerId, channel: number, frame: Uint8Array): void {
    const handler = this.#handlers.get(channel)
    if (handler === undefined) return this.#counters.drop("no-receiver")
    this.#counters.framesIn.add()
    this.#counters.bytesIn.add(frame.length)
    try {
      handler(from, frame)
    } catch (error) {
      this.#counters.drop("receiver-failed")
      this.#log.error({ peer: from, channel: nameOf(channel), error: String(error) }, "receiver of a frame failed")
    }
  }
}

/** Listeners to peer events; none of their failures reaches the Link. */
export class PeerListeners {
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  readonly #log: Logger

  constructor(runtime: Runtime) {
    this.#log = runtime.log
  }

  add(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(event: PeerEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#log.error({ ...event, error: String(error) }, "listener to peer events failed")
      }
    }
  }
}

function nameOf(channel: number): string {
  return Object.entries(channels).find(([, number]) => number === channel)?.[0] ?? String(channel)
}
