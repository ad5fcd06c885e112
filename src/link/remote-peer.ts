/**
 * One other peer, as libp2p shows it: what waits for it, and the streams.
 *
 * Each peer writes only to the stream that it has opened itself, and reads
 * from the one that the other opened. So nothing has to be agreed on when both
 * dial in the same moment, and frames of one direction never change streams
 * while the stream lives.
 */
import type { Stream } from "@libp2p/interface"
import { isP2PSipError } from "../errors.ts"
import type { Runtime, Timer } from "../runtime/runtime.ts"
import type { LinkCounters, Receivers } from "./common.ts"
import type { ChannelFrame } from "./frames.ts"
import type { Channel, PeerId } from "./link.ts"
import type { LinkLimits } from "./limits.ts"
import { readFrames } from "./read-frames.ts"
import { SendQueue } from "./send-queue.ts"

/** When a {@link RemotePeer} gives up or tries again. */
export interface RemotePeerTimes {
  /** A dial, with its handshakes and the opening of a stream. */
  readonly dialTimeoutMs: number
  /** The wait after the first failure; it doubles with each further one. */
  readonly minBackoffMs: number
  readonly maxBackoffMs: number
  /** How long frames wait for a peer that cannot be reached. */
  readonly maxQueuedMs: number
  /** Silence after which a connected peer is asked for a sign of life. */
  readonly keepAliveMs: number
  /** The wait for that sign. */
  readonly keepAliveTimeoutMs: number
}

export interface RemotePeerComponents {
  readonly runtime: Runtime
  readonly counters: LinkCounters
  readonly receivers: Receivers
  /** Opens a stream to the peer, dialling if need be. */
  readonly open: (signal: AbortSignal) => Promise<Stream>
  /** Breaks every connection to the peer. */
  readonly sever: (reason: Error) => void
  /** The peer can be reached, or cannot any more. */
  readonly report: (name: "up" | "down") => void
}

/** Channel 0 is the Link's own: one byte, a question or its answer. */
const controlChannel = 0
const ping = 0
const pong = 1

/** See the head of this file. */
export class RemotePeer {
  readonly #peerId: PeerId
  readonly #limits: LinkLimits
  readonly #times: RemotePeerTimes
  readonly #components: RemotePeerComponents
  readonly #queue: SendQueue
  #waitingSince: number | undefined
  #flushScheduled = false
  #outgoing: Stream | undefined
  #incoming: Stream | undefined
  #opening: AbortController | undefined
  #retry: Timer | undefined
  #failures = 0
  #isUp = false
  #isClosing = false
  #heardAt = 0
  #askedAt: number | undefined
  #onDrained: (() => void)[] = []

  constructor(peerId: PeerId, limits: LinkLimits, times: RemotePeerTimes, components: RemotePeerComponents) {
    this.#peerId = peerId
    this.#limits = limits
    this.#times = times
    this.#components = components
    this.#queue = new SendQueue(limits)
  }

  /** Nothing is connected, waits or is being tried: the peer may be forgotten. */
  get isIdle(): boolean {
    return !this.#isUp && this.#queue.length === 0 && this.#opening === undefined && this.#retry === undefined
  }

  get isUp(): boolean {
    return this.#isUp
  }

  get queuedFrames(): number {
    return this.#queue.length
  }

  /** Queues a frame; false when the queue is full. */
  enqueue(channel: Channel, frame: Uint8Array): boolean {
    if (!this.#queue.hasRoomFor(channel, frame)) return false
    this.#push(channel, frame)
    return true
  }

  /** Takes a stream that the peer has opened. A newer one takes the place of an older one, so that order is kept. */
  accept(stream: Stream): void {
    const older = this.#incoming
    this.#incoming = stream
    older?.abort(new Error("the peer has opened a newer stream"))
    this.#heard()
    this.#failures = 0
    this.#setUp()
    void this.#read(stream)
  }

  /** Asks a silent peer for a sign of life, and severs the connection to one that gives none. */
  checkAlive(): void {
    if (this.#outgoing === undefined) return
    const now = this.#components.runtime.now()
    if (this.#askedAt !== undefined) {
      if (now - this.#askedAt < this.#times.keepAliveTimeoutMs) return
      this.#askedAt = undefined
      this.#components.sever(new Error(`no sign of life for ${Math.round(now - this.#heardAt)} ms`))
    } else if (now - this.#heardAt >= this.#times.keepAliveMs) {
      this.#askedAt = now
      this.#push(controlChannel, Uint8Array.of(ping))
    }
  }

  /**
   * Sends what is queued and ends the stream; resolves when the peer has read
   * all of it, or cannot be reached, or `signal` fires.
   */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosing = true
    this.#retry?.cancel()
    this.#retry = undefined
    if (this.#outgoing === undefined && this.#opening === undefined) this.#dropQueue()
    await untilAborted(this.#drained(), signal)
    const stream = this.#outgoing
    if (stream !== undefined && stream.status === "open") {
      const closed = new Promise<void>((resolve) => stream.addEventListener("close", () => resolve(), { once: true }))
      await stream.close({ signal }).catch(() => undefined)
      await untilAborted(closed, signal)
    }
    this.#opening?.abort()
    this.#dropQueue()
  }

  #drained(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve()
    return new Promise((resolve) => void this.#onDrained.push(resolve))
  }

  #push(channel: number, frame: Uint8Array): void {
    const { runtime } = this.#components
    this.#queue.push({ channel, frame })
    if (this.#outgoing === undefined) {
      this.#waitingSince ??= runtime.now()
      if (this.#retry === undefined) this.#open()
    } else if (!this.#flushScheduled) {
      this.#flushScheduled = true
      runtime.defer(() => {
        this.#flushScheduled = false
        this.#flush()
      })
    }
  }

  #flush(): void {
    const stream = this.#outgoing
    // A stream that is closing takes nothing more; the frames wait for the next one.
    if (stream === undefined || stream.writableNeedsDrain || stream.writeStatus !== "writable") return
    const { frames, bytes } = this.#queue.writeTo((bytes) => stream.send(bytes))
    const { counters } = this.#components
    counters.framesOut.add(frames)
    counters.bytesOut.add(bytes)
    this.#reportDrained()
  }

  #open(): void {
    if (this.#opening !== undefined || this.#outgoing !== undefined) return
    const opening = new AbortController()
    this.#opening = opening
    const { runtime, open } = this.#components
    const timer = runtime.setTimer(this.#times.dialTimeoutMs, () => opening.abort())
    open(opening.signal).then(
      (stream) => {
        timer.cancel()
        this.#opening = undefined
        this.#opened(stream)
      },
      (error: unknown) => {
        timer.cancel()
        this.#opening = undefined
        this.#failed(error)
      },
    )
  }

  #opened(stream: Stream): void {
    this.#outgoing = stream
    this.#waitingSince = undefined
    this.#heard()
    stream.addEventListener("drain", () => this.#flush())
    stream.addEventListener("close", () => this.#lost(stream), { once: true })
    // Nobody answers on this stream; what comes nevertheless is thrown away unread.
    stream.addEventListener("message", () => undefined)
    if (stream.status !== "open") return this.#lost(stream)
    this.#setUp()
    this.#flush()
  }

  #lost(stream: Stream): void {
    if (this.#outgoing === stream) {
      this.#outgoing = undefined
      this.#askedAt = undefined
    } else if (this.#incoming === stream) this.#incoming = undefined
    else return
    if (this.#incoming === undefined && this.#outgoing === undefined) this.#setDown()
    if (this.#queue.length > 0 && this.#outgoing === undefined) this.#tryAgain()
  }

  #failed(error: unknown): void {
    const { runtime, report, counters } = this.#components
    runtime.log.debug({ peer: this.#peerId, error: String(error) }, "peer cannot be reached")
    if (!this.#isUp) report("down")
    const waitedMs = runtime.now() - (this.#waitingSince ?? runtime.now())
    if (waitedMs >= this.#times.maxQueuedMs) counters.drop("unreachable", this.#dropQueue())
    this.#tryAgain()
  }

  /** Waits twice as long after each failure, and up to half as long again by chance. */
  #tryAgain(): void {
    if (this.#isClosing) return void this.#dropQueue()
    if (this.#retry !== undefined || this.#opening !== undefined) return
    const { runtime } = this.#components
    const { minBackoffMs, maxBackoffMs } = this.#times
    const delayMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** this.#failures) * (1 + runtime.random.float() / 2)
    this.#failures += 1
    this.#waitingSince ??= runtime.now()
    this.#retry = runtime.setTimer(delayMs, () => {
      this.#retry = undefined
      if (this.#queue.length > 0) this.#open()
    })
  }

  #dropQueue(): number {
    const count = this.#queue.clear()
    this.#waitingSince = undefined
    this.#reportDrained()
    return count
  }

  #reportDrained(): void {
    if (this.#queue.length > 0) return
    for (const resolve of this.#onDrained.splice(0)) resolve()
  }

  async #read(stream: Stream): Promise<void> {
    const { counters, runtime } = this.#components
    try {
      await readFrames(stream, this.#limits.maxFrameBytes, (frames) => this.#receive(stream, frames))
      // Answers the end of the peer's stream with our own: all has been read.
      await stream.close()
    } catch (error) {
      if (isP2PSipError(error, "P2PSIP_BAD_FRAME")) {
        counters.drop("bad-frame")
        runtime.log.warn({ peer: this.#peerId, error: error.message }, "stream of a peer closed: bad frame")
        stream.abort(error)
      }
    }
    this.#lost(stream)
  }

  #receive(stream: Stream, frames: readonly ChannelFrame[]): void {
    this.#heard()
    this.#failures = 0
    for (const { channel, frame } of frames) {
      if (this.#incoming !== stream) return
      if (channel === controlChannel) this.#answer(frame)
      else this.#components.receivers.deliver(this.#peerId, channel, frame)
    }
  }

  #answer(frame: Uint8Array): void {
    // One answer in the queue is enough, however often the peer asks.
    if (frame[0] !== ping || this.#queue.holds(controlChannel)) return
    this.#push(controlChannel, Uint8Array.of(pong))
  }

  #heard(): void {
    this.#heardAt = this.#components.runtime.now()
    this.#askedAt = undefined
  }

  #setUp(): void {
    if (this.#isUp) return
    this.#isUp = true
    this.#components.report("up")
  }

  #setDown(): void {
    if (!this.#isUp) return
    this.#isUp = false
    this.#components.report("down")
  }
}

/** Resolves with the promise, or when the signal fires. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return Promise.race([promise, new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))])
}
