/**
 * Carries the media of calls between phones at different peers through the
 * overlay: for phones that share no IP route. See README.md.
 *
 * Packets are lost rather than kept: nothing waits here.
 */
import { isIP } from "node:net"
import { channels, type Link, type PeerId } from "../link/link.ts"
import type { Counter, Runtime, Timer } from "../runtime/runtime.ts"
import { ownText } from "../sip/message/characters.ts"
import { SipResponse, type SipMessage } from "../sip/message/index.ts"
import { isWildcard } from "../sip/transport/listen.ts"
import { hostOfPeer, peerOfHost, type Flow } from "../sip/transport/index.ts"
import { answeredBy, dispensable, maxParties, newCall, partyOf, withoutParty, yielding, type MediaCall } from "./media-call.ts"
import { decodeMedia, encodeMedia, idBytes } from "./media-packet.ts"
import { admits, expectAt, isFromPhone, maxPacketBytes, newStream, placeOfPhone, type MediaStream } from "./media-stream.ts"
import type { MediaKind, PortPairs } from "./relay-ports.ts"
import { rewriteMedia, type MediaChange, type MediaLine } from "./sdp.ts"

export interface MediaRelayComponents {
  readonly runtime: Runtime
  readonly link: Link
  readonly ports: PortPairs
}

/** What a user may choose about it. */
export interface MediaRelayOptions {
  /** What phones are told instead of the address at which the ports are open; where that is a wildcard, by default the address of their SIP listener. */
  readonly advertise?: string | undefined
  /** After so long without a packet or a description a call is taken for ended; longer than a phone may ring. @default 240000 */
  readonly idleMs?: number
  /** Calls that are remembered. Where there are more, those without ports are forgotten, of the phone that has most of them. @default 4096 */
  readonly maxCalls?: number
}

type DropReason = "malformed" | "unknown stream" | "other peer" | "other host" | "no other end" | "too long" | "rate" | "phone not known" | "not sendable"

const sweepMs = 10_000
/** Of one call. Whoever describes more takes the ports of others. */
const maxStreams = 4
const maxKeyLength = 512
/** What makes offers and answers (RFC 3261, RFC 3262, RFC 3311). Descriptions in other requests, and in refusals, say what could be, and lead nowhere. */
const negotiations: ReadonlySet<string> = new Set(["INVITE", "ACK", "PRACK", "UPDATE"])
/** Streams of UDP packets whose addresses are in the description: DTLS and ICE find their ways themselves. */
const protocols: ReadonlySet<string> = new Set(["RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "udptl"])
const phoneTransports: ReadonlySet<string> = new Set(["UDP", "TCP", "TLS"])
/** RFC 3264 §8.4: the old way to put a call on hold. */
const nowhere: ReadonlySet<string> = new Set(["0.0.0.0", "::"])

/** See the head of this file. */
export class MediaRelay {
  readonly #runtime: Runtime
  readonly #link: Link
  readonly #ports: PortPairs
  readonly #advertise: string | undefined
  readonly #idleMs: number
  readonly #maxCalls: number
  /** The oldest first. */
  readonly #calls = new Map<string, MediaCall>()
  readonly #streams = new Map<string, { readonly stream: MediaStream; readonly call: MediaCall }>()
  readonly #drops = new Map<DropReason, Counter>()
  readonly #carried: Readonly<Record<"in" | "out", Counter>>
  readonly #refused: Counter
  #timer: Timer | undefined
  #isRunning = false

  constructor({ runtime, link, ports }: MediaRelayComponents, options: MediaRelayOptions = {}) {
    this.#runtime = runtime
    this.#link = link
    this.#ports = ports
    this.#advertise = options.advertise
    this.#idleMs = options.idleMs ?? 240_000
    this.#maxCalls = options.maxCalls ?? 4096
    const { metrics } = runtime
    const carried = (direction: string): Counter => metrics.counter("p2psip_media_packets_total", "Media packets carried for phones", { direction })
    this.#carried = { in: carried("in"), out: carried("out") }
    this.#refused = metrics.counter("p2psip_media_refused_streams_total", "Streams that were not relayed because all ports were in use")
    metrics.gauge("p2psip_media_streams", "Streams of calls that are relayed", () => this.#streams.size)
  }

  /** Opens the ports. Rejects as they do. */
  async start(): Promise<void> {
    await this.#ports.start()
    this.#isRunning = true
    this.#link.onFrame(channels.media, (from, frame) => this.#onFrame(from, frame))
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    this.#timer?.cancel()
    for (const call of [...this.#calls.values()]) this.#end(call)
    await this.#ports.stop()
  }

  /**
   * Sees each message of a dialog on its way from one flow to another, and
   * changes its description: for the other peer it names this relay, for the
   * phone it leads here.
   */
  pass(message: SipMessage, from: Flow, to: Flow): void {
    const isOut = to.transport.protocol === "P2P"
    if (!this.#isRunning || isOut === (from.transport.protocol === "P2P")) return
    const phone = isOut ? from : to
    const key = this.#keyOf(message, phone)
    const address = key.length > maxKeyLength ? undefined : this.#addressFor(phone)
    if (address === undefined) {
      if (isDescription(message)) message.body = rewriteMedia(message.body, () => ({}))
      return
    }
    const party = partyOf(message, isOut ? "phone" : "peer")
    if (isDescription(message)) {
      message.body = rewriteMedia(message.body, (media) => (isOut ? this.#fromPhone(key, phone, media) : this.#toPhone({ key, party, address }, phone, media)))
    }
    const call = this.#calls.get(key)
    if (call === undefined) return
    if (message instanceof SipResponse) this.#onResponse(call, message, party, isOut)
    else if (message.cseq.method === "INVITE" && !isOut) call.invites++
  }

  /**
   * Whoever began the dialog has a tag in all its messages, in From or, later, in To. With the Call-ID alone, which those know as
   * well who were called and did not answer, nobody gets at a call.
   */
  #keyOf({ callId, from, to }: SipMessage, phone: Flow): string {
    const [first, later] = [from.tag, to.tag].map((tag) => `${callId} ${phone.key} ${tag ?? ""}`) as [string, string]
    return to.tag !== undefined && !this.#calls.has(first) && this.#calls.has(later) ? later : first
  }

  /** What the phone says goes to the other peer with the name of this relay, and else as it is: whoever does not relay does as ever. */
  #fromPhone(key: string, phone: Flow, media: MediaLine): MediaChange {
    if (!isRelayable(media)) {
      this.#release(this.#calls.get(key)?.streams.get(media.index))
      return {}
    }
    const stream = this.#streamOf(key, phone, media)
    if (stream === undefined) return {}
    expectAt(stream, media.port)
    return { relay: { host: hostOfPeer(this.#link.self.peerId), id: stream.id } }
  }

  #toPhone(at: { readonly key: string; readonly party: string; readonly address: string }, phone: Flow, media: MediaLine): MediaChange {
    const { relay } = media
    const peerId = relay && peerOfHost(relay.host)
    if (relay === undefined || peerId === undefined || !isRelayable(media) || nowhere.has(media.address ?? "")) return {}
    const stream = this.#streamOf(at.key, phone, media)
    const call = this.#calls.get(at.key)
    if (stream === undefined || call === undefined) return {}
    if (stream.remotes.size >= maxParties && !stream.remotes.has(at.party)) return {}
    stream.remotes.set(at.party, { peerId, id: ownText(relay.id) })
    if (call.answered.size === 0) call.party = at.party
    const pair = (stream.pair ??= this.#takePair(call, stream))
    if (pair === undefined) {
      this.#refused.add()
      return {}
    }
    return { place: { address: at.address, port: pair.port } }
  }

  #takePair(call: MediaCall, stream: MediaStream): MediaStream["pair"] {
    const pair = this.#ports.take() ?? this.#takeFromOther(call)
    pair?.onPacket((kind, packet, from) => {
      if (!isFromPhone(stream, kind, from)) return this.#drop("other host")
      this.#send(call, stream, kind, packet)
    })
    return pair
  }

  #takeFromOther({ phoneHost }: MediaCall): MediaStream["pair"] {
    for (const stream of yielding(this.#calls.values(), phoneHost)?.streams.values() ?? []) this.#release(stream)
    return this.#ports.take()
  }

  #send(call: MediaCall, stream: MediaStream, kind: MediaKind, packet: Uint8Array): void {
    const remote = stream.remotes.get(call.party)
    if (remote === undefined) return this.#drop("no other end")
    if (!this.#mayPass(call, stream, packet)) return
    const isSent = this.#link.send(remote.peerId, channels.media, encodeMedia({ id: remote.id, kind, packet }))
    if (isSent) this.#carried.out.add()
    else this.#drop("not sendable")
  }

  #onFrame(from: PeerId, frame: Uint8Array): void {
    const media = decodeMedia(frame)
    if (media === undefined) return this.#drop("malformed")
    const { stream, call } = this.#streams.get(media.id) ?? {}
    if (stream === undefined || call === undefined) return this.#drop("unknown stream")
    if (stream.remotes.get(call.party)?.peerId !== from) return this.#drop("other peer")
    const place = placeOfPhone(stream, media.kind)
    if (stream.pair === undefined || place === undefined) return this.#drop("phone not known")
    if (!this.#mayPass(call, stream, media.packet)) return
    stream.pair.send(media.kind, media.packet, place)
    this.#carried.in.add()
  }

  #mayPass(call: MediaCall, stream: MediaStream, packet: Uint8Array): boolean {
    const now = this.#runtime.now()
    if (packet.length > maxPacketBytes) this.#drop("too long")
    else if (!admits(stream, now)) this.#drop("rate")
    else {
      call.usedAt = now
      return true
    }
    return false
  }

  #onResponse(call: MediaCall, response: SipResponse, party: string, isOut: boolean): void {
    const { status } = response
    const { method } = response.cseq
    if (status < 200) return
    // A phone that says 481 has been told to hang up by somebody with whom it does not speak.
    if (method === "BYE" && status !== 401 && status !== 407 && !(status === 481 && isOut)) this.#leave(call, party)
    if (method !== "INVITE") return
    if (isOut) call.invites = Math.max(0, call.invites - 1)
    if (status < 300) answeredBy(call, party)
    else if (call.answered.size === 0) this.#onRefusal(call, party, isOut)
  }

  /** Nobody has answered yet. To the caller it may be the answer of one of several phones only, of which others still speak. */
  #onRefusal(call: MediaCall, party: string, isOut: boolean): void {
    if (isOut) {
      if (call.invites === 0) this.#end(call)
      return
    }
    const left = withoutParty(call, party)
    if (left !== undefined) call.party = left
    else for (const stream of call.streams.values()) this.#release(stream)
  }

  /** Who hangs up leaves the call to another who has answered, if there is one. */
  #leave(call: MediaCall, party: string): void {
    const left = withoutParty(call, party)
    if (left === undefined) this.#end(call)
    else call.party = left
  }

  #streamOf(key: string, phone: Flow, { index }: MediaLine): MediaStream | undefined {
    const call = this.#calls.get(key) ?? this.#newCall(key, phone.remote.host)
    if (call === undefined) return undefined
    call.usedAt = this.#runtime.now()
    let stream = call.streams.get(index)
    if (stream === undefined) {
      if (call.streams.size >= maxStreams) return undefined
      stream = newStream(Buffer.from(this.#runtime.random.bytes(idBytes)).toString("hex"), phone.remote.host)
      call.streams.set(index, stream)
      this.#streams.set(stream.id, { stream, call })
    }
    return stream
  }

  #newCall(key: string, phoneHost: string): MediaCall | undefined {
    if (this.#calls.size >= this.#maxCalls && !this.#makeRoom()) return undefined
    const call = newCall(ownText(key), phoneHost, this.#runtime.now())
    this.#calls.set(call.key, call)
    this.#timer ??= this.#runtime.setTimer(sweepMs, () => this.#sweep())
    return call
  }

  #makeRoom(): boolean {
    for (const call of dispensable(this.#calls.values())) this.#end(call)
    return this.#calls.size < this.#maxCalls
  }

  #sweep(): void {
    const before = this.#runtime.now() - this.#idleMs
    for (const call of [...this.#calls.values()]) if (call.usedAt < before) this.#end(call)
    this.#timer = this.#calls.size === 0 ? undefined : this.#runtime.setTimer(sweepMs, () => this.#sweep())
  }

  #end(call: MediaCall): void {
    this.#calls.delete(call.key)
    for (const stream of call.streams.values()) {
      this.#streams.delete(stream.id)
      this.#release(stream)
    }
  }

  #release(stream: MediaStream | undefined): void {
    if (stream?.pair === undefined) return
    this.#ports.give(stream.pair)
    stream.pair = undefined
  }

  /** What the phone is told; undefined where it cannot be served: browsers, and phones of the other IP family. */
  #addressFor({ transport, remote }: Flow): string | undefined {
    const { address } = this.#ports
    if (!phoneTransports.has(transport.protocol) || isIP(remote.host) !== isIP(address)) return undefined
    if (this.#advertise !== undefined) return this.#advertise
    if (!isWildcard(address)) return address
    return isIP(transport.advertised.host) === isIP(address) ? transport.advertised.host : undefined
  }

  #drop(reason: DropReason): void {
    let counter = this.#drops.get(reason)
    if (counter === undefined) {
      counter = this.#runtime.metrics.counter("p2psip_media_dropped_packets_total", "Media packets that were not carried", { reason })
      this.#drops.set(reason, counter)
    }
    counter.add()
  }
}

function isDescription(message: SipMessage): boolean {
  const { headers, body } = message
  if (message instanceof SipResponse && message.status >= 300) return false
  return body.length > 0 && negotiations.has(message.cseq.method) && !headers.has("Content-Encoding") && /^application\/sdp *(;|$)/i.test(headers.get("Content-Type") ?? "")
}

function isRelayable({ port, protocol }: MediaLine): boolean {
  return port > 0 && protocols.has(protocol)
}

