/**
 * Requests, replies and notifications between peers, over one Link channel.
 *
 * A request that goes unanswered is sent again after the peer's
 * retransmission timeout (RFC 6298), which doubles each time; so every request
 * must be harmless when made twice. Fails fast when the Link tells that the
 * connection broke.
 */
import { ByteReader } from "../codec.ts"
import type { ErrorCode } from "../errors.ts"
import { P2PSipError, isP2PSipError } from "../errors.ts"
import type { Link, PeerId } from "../link/link.ts"
import { channels } from "../link/link.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import { DeadlineQueue } from "./deadline-queue.ts"
import type { Member } from "./key-based-routing.ts"
import { encodeNotification, encodeRequest, frameKinds, maxHeadBytes, readError } from "./rpc-frame.ts"
import type { CallOptions, RpcOptions } from "./rpc-options.ts"
import { rpcDefaults } from "./rpc-options.ts"
import { afterLoss, freshCall } from "./rpc-call.ts"
import type { Call, PeerState } from "./rpc-call.ts"
import { RpcPeers } from "./rpc-peers.ts"
import type { RequestHandler } from "./rpc-server.ts"
import { RpcServer } from "./rpc-server.ts"

/** What it takes to connect anew, about: TCP, the handshake that makes peers authentic, and the choice of protocols. */
const dialRoundTrips = 4

/** Serves one kind of notification; what it throws is counted and dropped. */
export type NotificationHandler = (from: PeerId, body: ByteReader) => void

/** A timer fires no earlier than so much before its time by the clock. */
const earlyMs = 2

/** A peer that has acknowledged a request is asked again whether it still lives after so long without an answer. */
const probeMs = 500

/** See the head of this file. */
export class Rpc {
  readonly #runtime: Runtime
  readonly #link: Link
  readonly #options: Required<RpcOptions>
  readonly #server: RpcServer
  readonly #notificationHandlers: (NotificationHandler | undefined)[] = []
  readonly #peers: RpcPeers
  readonly #calls = new Map<number, Call>()
  readonly #deadlines: DeadlineQueue<Call>
  readonly #removeListener: () => void
  readonly #retransmissions: Counter
  readonly #timeouts: Counter
  #nextId: number
  #isStopped = false

  constructor(components: { readonly runtime: Runtime; readonly link: Link }, options: RpcOptions = {}) {
    const { runtime, link } = components
    this.#runtime = runtime
    this.#link = link
    this.#options = { ...rpcDefaults, ...options }
    this.#peers = new RpcPeers(this.#options)
    this.#nextId = runtime.random.uint32()
    this.#server = new RpcServer({ runtime, link, onDrop: (reason) => this.#drop(reason) }, this.#options)
    this.#deadlines = new DeadlineQueue(runtime, (call) => this.#onDue(call))
    const { metrics } = runtime
    this.#retransmissions = metrics.counter("p2psip_rpc_retransmissions_total", "requests to other peers sent again")
    this.#timeouts = metrics.counter("p2psip_rpc_timeouts_total", "requests to other peers given up unanswered")
    link.onFrame(channels.overlay, (from, frame) => this.#onFrame(from, frame))
    this.#removeListener = link.onPeer(({ name, peerId }) => (name === "down" ? this.#onDown(peerId) : this.#onUp(peerId)))
  }

  /** Sets the handler of a method, 0 to 255. */
  handle(method: number, handler: RequestHandler): void {
    this.#server.handle(method, handler)
  }

  /**
   * Says at once that a request is being dealt with, where that is known to
   * take longer than a round trip: whoever sent it then knows that this peer
   * lives, and neither repeats the request nor turns to somebody else.
   */
  acknowledge(from: PeerId, id: number): void {
    this.#server.acknowledge(from, id)
  }

  /** Sets the handler of a kind of notification, 0 to 255. */
  onNotification(method: number, handler: NotificationHandler): void {
    this.#notificationHandlers[method] = handler
  }

  /**
   * Sends a request and resolves with the body of the reply. A `Member`'s
   * addresses are made known to the Link. Rejects with `P2PSIP_TIMEOUT` (no
   * answer), `P2PSIP_UNREACHABLE` (the Link refused the frame or lost the
   * connection), `P2PSIP_LIMIT`, `P2PSIP_ABORTED`, `P2PSIP_NOT_OPEN` (stopped),
   * or the error that the peer's handler threw.
   */
  call(to: Member | PeerId, method: number, body: Uint8Array, options: CallOptions = {}): Promise<ByteReader> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(body)
      if (refusal !== undefined) return reject(refusal)
      const id = this.#takeId()
      const request = { id, peer: this.#peerFor(to), frame: encodeRequest(id, method, body), resolve, reject }
      const { timeoutMs = this.#options.timeoutMs, attempts = this.#options.attempts, signal } = options
      const call = freshCall(request, { timeoutMs, attempts }, this.#runtime.now())
      this.#calls.set(id, call)
      call.peer.calls.add(call)
      if (signal !== undefined) this.#abortOn(signal, call)
      if (!call.isDone) this.#transmit(call)
    })
  }

  /** Sends without expecting an answer; false when the Link refused the frame. */
  notify(to: Member | PeerId, method: number, body: Uint8Array): boolean {
    if (this.#refusal(body) !== undefined) return false
    return this.#link.send(this.#peerFor(to).peerId, channels.overlay, encodeNotification(method, body))
  }

  /** The peer was found dead: whatever waits for its answers fails with `P2PSIP_UNREACHABLE`, and can be tried elsewhere. */
  giveUp(peerId: PeerId): void {
    for (const call of [...(this.#peers.get(peerId)?.calls ?? [])]) this.#fail(call, "P2PSIP_UNREACHABLE", `${peerId} was found dead`)
  }

  /** Smoothed round-trip time to a peer, if it was ever measured. */
  rttMs(peerId: PeerId): number | undefined {
    return this.#peers.get(peerId)?.rtt.rttMs
  }

  /** The round-trip time to a peer is expected to be about this: seeds its timeout before the first measurement. */
  expectRtt(peerId: PeerId, rttMs: number): void {
    this.#peers.of(peerId).rtt.expect(rttMs)
  }

  /** Whether `stop` was called. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** The longest body that fits into a frame. */
  get maxBodyBytes(): number {
    return this.#link.maxFrameBytes - maxHeadBytes
  }

  /** Rejects what is under way with `P2PSIP_NOT_OPEN` and answers nothing more. */
  stop(): void {
    this.#isStopped = true
    this.#server.stop()
    this.#removeListener()
    for (const call of [...this.#calls.values()]) this.#fail(call, "P2PSIP_NOT_OPEN", "the peer is stopping")
    this.#deadlines.clear()
  }

  #refusal(body: Uint8Array): P2PSipError | undefined {
    if (this.#isStopped) return new P2PSipError("P2PSIP_NOT_OPEN", "the peer has stopped")
    if (body.length > this.maxBodyBytes) {
      return new P2PSipError("P2PSIP_LIMIT", `body: expected at most ${this.maxBodyBytes} bytes, found ${body.length}`)
    }
    if (this.#calls.size >= this.#options.maxPendingCalls) {
      return new P2PSipError("P2PSIP_LIMIT", `${this.#calls.size} calls to other peers are under way already; try later`)
    }
    return undefined
  }

  #takeId(): number {
    do this.#nextId = (this.#nextId + 1) >>> 0
    while (this.#calls.has(this.#nextId))
    return this.#nextId
  }

  #peerFor(to: Member | PeerId): PeerState {
    const peer = this.#peers.of(typeof to === "string" ? to : to.peerId)
    if (typeof to !== "string" && to.addresses !== peer.learned && to.addresses.length > 0) {
      peer.learned = to.addresses
      this.#link.learn({ peerId: to.peerId, addresses: to.addresses })
    }
    return peer
  }

  #abortOn(signal: AbortSignal, call: Call): void {
    const abort = (): void => this.#fail(call, "P2PSIP_ABORTED", "the call was aborted")
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort)
    call.stopListening = (): void => signal.removeEventListener("abort", abort)
  }

  #transmit(call: Call): void {
    call.isHeldBack = false
    call.sent++
    call.unanswered++
    if (!this.#link.send(call.peer.peerId, channels.overlay, call.frame)) {
      this.#fail(call, "P2PSIP_UNREACHABLE", `no way to send to ${call.peer.peerId}: address unknown or queue full`)
      return
    }
    call.sentAt = this.#runtime.now()
    const dialMs = call.unanswered === 1 && call.peer.connection === "down" ? dialRoundTrips * (call.peer.rtt.rttMs ?? 0) : 0
    // Nobody is silent who cannot have heard anything yet.
    call.silentSince += dialMs
    const silentAt = call.silentSince + this.#options.maxSilenceMs
    this.#wait(call, Math.min(call.sentAt + call.peer.rtt.rtoMs + dialMs, silentAt))
  }

  /** In place of what the call waited for until now. */
  #wait(call: Call, until: number): void {
    call.dueAt = Math.min(until, call.giveUpAt)
    this.#deadlines.add(call, call.dueAt - this.#runtime.now())
  }

  #onDue(call: Call): void {
    const now = this.#runtime.now()
    if (now < call.dueAt - earlyMs) return
    if (call.isHeldBack && now < call.giveUpAt) return this.#sendAnew(call)
    const probeAt = call.silentSince + Math.max(probeMs, call.peer.rtt.rtoMs)
    if (call.unanswered === 0 && now < Math.min(probeAt, call.giveUpAt)) {
      this.#wait(call, probeAt)
      return
    }
    const isSilent = call.unanswered >= call.attempts || (call.unanswered > 0 && now >= call.silentSince + this.#options.maxSilenceMs)
    if (isSilent || now >= call.giveUpAt) {
      this.#timeouts.add()
      this.#fail(call, "P2PSIP_TIMEOUT", `${call.peer.peerId} did not answer within ${Math.round(now - call.startedAt)} ms`)
      if (isSilent) this.#failYounger(call)
      return
    }
    // RFC 6298 (5.5), once for all the requests that one silence leaves unanswered.
    if (call.unanswered > 0 && call.sentAt >= call.peer.backedOffAt) {
      call.peer.rtt.backOff()
      call.peer.backedOffAt = now
    }
    this.#retransmissions.add()
    this.#transmit(call)
  }

  #onDown(peerId: PeerId): void {
    const peer = this.#peers.get(peerId)
    if (peer === undefined) return
    const wasUp = peer.connection === "up"
    peer.connection = "down"
    for (const call of [...peer.calls]) {
      const pauseMs = afterLoss(call, wasUp)
      if (pauseMs === undefined) this.#fail(call, "P2PSIP_UNREACHABLE", `the connection to ${peerId} was lost`)
      else if (pauseMs === 0) this.#sendAnew(call)
      else this.#wait(call, this.#runtime.now() + pauseMs)
    }
  }

  #sendAnew(call: Call): void {
    call.unanswered = 0
    call.silentSince = this.#runtime.now()
    this.#retransmissions.add()
    this.#transmit(call)
  }

  /** Whoever makes a connection lives. What was sent before may have gone with another, or an attempt that broke: it is sent again at once. */
  #onUp(peerId: PeerId): void {
    const peer = this.#peers.of(peerId)
    const isReplaced = peer.connection !== "unknown"
    peer.connection = "up"
    for (const call of peer.calls) {
      call.silentSince = this.#runtime.now()
      call.unanswered = isReplaced ? 0 : Math.min(call.unanswered, 1)
      if (isReplaced) this.#transmit(call)
      else this.#wait(call, call.silentSince + peer.rtt.rtoMs)
    }
  }

  /** Silence is the peer's, not the call's: what it has heard only since would be given up no earlier by being waited for. */
  #failYounger({ peer, silentSince, attempts }: Call): void {
    if (peer.heardAt >= silentSince) return
    for (const call of [...peer.calls]) if (call.attempts <= attempts) this.#fail(call, "P2PSIP_TIMEOUT", `${peer.peerId} is silent`)
  }

  #end(call: Call): void {
    call.isDone = true
    call.stopListening?.()
    this.#calls.delete(call.id)
    call.peer.calls.delete(call)
  }

  #fail(call: Call, code: ErrorCode, message: string): void {
    if (call.isDone) return
    this.#end(call)
    call.reject(new P2PSipError(code, message))
  }

  #onFrame(from: PeerId, frame: Uint8Array): void {
    if (this.#isStopped) return
    try {
      const reader = new ByteReader(frame)
      switch (reader.uint8()) {
        case frameKinds.request: return this.#server.onRequest(from, reader)
        case frameKinds.reply: return this.#onReply(from, reader)
        case frameKinds.error: return this.#onError(from, reader)
        case frameKinds.working: return this.#onWorking(from, reader)
        case frameKinds.notification: return this.#onNotification(reader.uint8(), from, reader)
        default: return this.#drop("unknown kind")
      }
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      this.#drop("malformed")
    }
  }

  #onNotification(method: number, from: PeerId, body: ByteReader): void {
    const handler = this.#notificationHandlers[method]
    if (handler === undefined) return this.#drop("unknown method")
    handler(from, body)
  }

  /** The call that a frame answers, if it comes from the peer that was asked. */
  #callOf(from: PeerId, id: number): Call | undefined {
    const call = this.#calls.get(id)
    if (call !== undefined && call.peer.peerId === from) return call
    this.#drop("unexpected reply")
    return undefined
  }

  #onReply(from: PeerId, reader: ByteReader): void {
    const call = this.#callOf(from, reader.uint32())
    if (call === undefined) return
    this.#end(call)
    this.#measure(call)
    call.resolve(reader)
  }

  #onError(from: PeerId, reader: ByteReader): void {
    const call = this.#callOf(from, reader.uint32())
    if (call === undefined) return
    const error = readError(reader)
    this.#end(call)
    this.#measure(call)
    call.reject(error)
  }

  #onWorking(from: PeerId, reader: ByteReader): void {
    const call = this.#callOf(from, reader.uint32())
    if (call === undefined) return
    this.#measure(call)
    call.isAcknowledged = true
    call.unanswered = 0
    call.silentSince = this.#runtime.now()
  }

  /** Karn's rule: which of several transmissions was answered, nobody knows. What comes after an acknowledgement took its own time. */
  #measure(call: Call): void {
    call.peer.heardAt = this.#runtime.now()
    if (call.sent === 1 && !call.isAcknowledged) call.peer.rtt.sample(call.peer.heardAt - call.startedAt)
  }

  #drop(reason: string): void {
    this.#runtime.metrics.counter("p2psip_rpc_dropped_frames_total", "frames on the overlay channel that were dropped", { reason }).add()
  }
}
