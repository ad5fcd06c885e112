/**
 * The part of a peer on the way: takes an operation that is not for it,
 * acknowledges it at once, and passes it on to its own next hop. So whoever
 * sent it knows within a round trip whether this peer lives, and a next hop
 * that is dead is found, and gone round, by the peer beside it, which knows its
 * round-trip time best (Rhea et al., "Handling Churn in a DHT", 2004). The
 * answer returns the way the operation came (RFC 6940 §6.1, symmetric
 * recursive routing): over connections that are open already, also where two
 * peers cannot reach each other.
 *
 * What cannot be passed on is answered by a redirection: the asker goes on by
 * itself from there.
 */
import type { ByteReader } from "../codec.ts"
import type { PeerId } from "../link/link.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { Forward, Journey } from "./forward-codec.ts"
import { encodeForward, encodeReturn, markOf, maxTrail, readForward, readJourney } from "./forward-codec.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import { methods } from "./methods.ts"
import type { Result } from "./operation-codec.ts"
import { encodeOperation, encodeRequest, encodeResult, maxAvoided } from "./operation-codec.ts"
import type { Owner } from "./owner.ts"
import { isSilence } from "./replica-queue.ts"
import { RecentOperations } from "./recent-operations.ts"
import type { Rpc } from "./rpc.ts"
import type { Reply } from "./rpc-server.ts"
import { hopLimits, isUnfit } from "./search.ts"

export interface ForwarderComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly routing: KeyBasedRouting
  readonly owner: Owner
}

/** How much a peer carries for others at a time. */
export interface ForwarderOptions {
  /** Operations of one peer. @default 1024 */
  readonly maxPerPeer?: number | undefined
  /** Bytes of all operations. @default 16777216 */
  readonly maxBytes?: number | undefined
}

/** Next hops that are tried before the asker is told to look for itself. */
const maxTries = 4
/** Longer than an operation is under way, as a rule. */
const journeyMs = 15_000
const nowhere: Journey = { hops: 0, via: [] }
const lost: Result = { status: "redirect", members: [] }

/** Why an operation is not passed on. */
type Refusal = "twice" | "circle" | "too far" | "too many" | "too much"

/** See the head of this file. */
export class Forwarder {
  readonly #components: ForwarderComponents
  readonly #maxPerPeer: number
  readonly #maxBytes: number
  /** Operations under way, by who sent them. */
  readonly #carried = new Map<PeerId, number>()
  /** What was taken lately, by the asker's mark and its name for it. */
  readonly #journeys: RecentOperations
  #bytes = 0
  readonly #forwarded: Counter
  readonly #silences: Counter
  readonly #refused: Readonly<Record<Refusal, Counter>>

  constructor(components: ForwarderComponents, { maxPerPeer = 1024, maxBytes = 16 * 1024 * 1024 }: ForwarderOptions = {}) {
    this.#components = components
    this.#maxPerPeer = maxPerPeer
    this.#maxBytes = maxBytes
    this.#journeys = new RecentOperations(components.runtime, { windowMs: journeyMs, maxPerGeneration: 32_768 })
    const { metrics } = components.runtime
    this.#forwarded = metrics.counter("p2psip_overlay_forwarded_total", "operations of other peers passed on towards the owner of their key")
    this.#silences = metrics.counter("p2psip_overlay_silent_hops_total", "peers asked about a key that did not answer")
    const refusal = (reason: Refusal): Counter =>
      metrics.counter("p2psip_overlay_not_forwarded_total", "operations of other peers that were not passed on, but redirected", { reason })
    this.#refused = { twice: refusal("twice"), circle: refusal("circle"), "too far": refusal("too far"), "too many": refusal("too many"), "too much": refusal("too much") }
    components.rpc.handle(methods.forward, (from, body, id) => this.#onForward(from, body, id))
  }

  #onForward(from: PeerId, body: ByteReader, id: number): Reply | Promise<Reply> {
    const forward = readForward(body)
    const { key, operation, avoid } = forward.request
    const result = this.#components.owner.execute(key, operation, new Set(avoid))
    if (result instanceof Promise) return result.then((settled) => this.#goOn(from, id, forward, settled))
    return this.#goOn(from, id, forward, result)
  }

  /** Answers what is done here; passes on the rest, if nothing speaks against it. */
  #goOn(from: PeerId, id: number, forward: Forward, result: Result): Reply | Promise<Reply> {
    if (result.status !== "redirect") return this.#reply(result)
    const [next] = result.members
    if (next === undefined) return this.#reply(result)
    const refusal = this.#refusalOf(from, forward)
    if (refusal !== "twice") this.#journeys.add(journeyOf(forward))
    if (refusal !== undefined) {
      this.#refused[refusal].add()
      // Who is busy names another; whoever follows a circle, or itself, finds nobody new.
      return this.#reply(refusal === "too many" || refusal === "too much" ? result : lost)
    }
    this.#components.rpc.acknowledge(from, id)
    this.#forwarded.add()
    this.#carried.set(from, (this.#carried.get(from) ?? 0) + 1)
    this.#bytes += forward.bytes.length
    return this.#passOn(forward, next).finally(() => {
      this.#bytes -= forward.bytes.length
      const left = (this.#carried.get(from) ?? 1) - 1
      if (left > 0) this.#carried.set(from, left)
      else this.#carried.delete(from)
    })
  }

  #refusalOf(from: PeerId, forward: Forward): Refusal | undefined {
    const { trail, bytes } = forward
    // Frames get lost, and so the living are taken for silent and gone round: without this, each time that happens would be one copy more.
    if (this.#journeys.has(journeyOf(forward))) return "twice"
    if (trail.includes(markOf(this.#components.routing.self.id))) return "circle"
    if (trail.length >= maxTrail) return "too far"
    if ((this.#carried.get(from) ?? 0) >= this.#maxPerPeer) return "too many"
    if (this.#bytes + bytes.length > this.#maxBytes) return "too much"
    return undefined
  }

  /** Tries one next hop after another; results in the answer of the first that lives. */
  async #passOn(forward: Forward, first: Member): Promise<Reply> {
    const { runtime, rpc, routing } = this.#components
    const { key } = forward.request
    const giveUpAt = runtime.now() + forward.withinMs
    const trail = [...forward.trail, markOf(routing.self.id)]
    const silent = new Set<PeerId>(forward.request.avoid)
    const excluded = new Set<PeerId>(silent)
    let { bytes } = forward
    let hops = 0
    let next: Member | undefined = first
    for (let tries = 0; tries < maxTries && next !== undefined && runtime.now() < giveUpAt; next = routing.nextHop(key, excluded)) {
      excluded.add(next.peerId)
      if (excluded.size > maxTrail + maxAvoided) break
      if (trail.includes(markOf(next.id))) continue
      tries++
      hops++
      const withinMs = giveUpAt - runtime.now()
      try {
        const reply = await rpc.call(next, methods.forward, encodeForward({ name: forward.name, withinMs, trail }, bytes), hopLimits(rpc, next, withinMs))
        return this.#relay(forward, next, hops, reply)
      } catch (error) {
        if (isSilence(error)) {
          this.#silences.add()
          routing.suspect(next.peerId)
          bytes = withAvoided(forward, silent.add(next.peerId))
        } else if (!isUnfit(error)) throw error
      }
    }
    return this.#reply(lost, { hops, via: [] })
  }

  /** The answer as it came; what it has to say of the journey grows by this stage. */
  #relay({ request }: Forward, next: Member, hops: number, reply: ByteReader): Reply {
    const journey = readJourney(reply)
    const via = request.operation.kind === "lookup" && journey.via.length < maxTrail ? [next, ...journey.via] : []
    return encodeReturn({ hops: hops + journey.hops, via }, reply.fixed(reply.remaining))
  }

  #reply(result: Result, journey: Journey = nowhere): Reply {
    return encodeReturn(journey, encodeResult(result, this.#components.runtime.now()).finish())
  }
}

/** The asker's mark, and its name for the operation. */
function journeyOf({ trail, name }: Forward): string {
  return `${trail[0]} ${name}`
}

function withAvoided({ request }: Forward, silent: ReadonlySet<PeerId>): Uint8Array {
  return encodeRequest(request.key, request.operation.kind, silent, encodeOperation(request.operation))
}
