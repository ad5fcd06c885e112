/**
 * The asker's side of an operation: carries it to the owner of its key,
 * iteratively. Each peer that is asked does it or names a better one; the
 * silent are suspected and gone round. Repeating is safe: the operation has a
 * name.
 */
import type { ErrorCode } from "../errors.ts"
import { P2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import type { Counter, Histogram, Runtime } from "../runtime/runtime.ts"
import type { PeerInfo } from "../servlet/types.ts"
import type { Id } from "./id.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import { methods } from "./methods.ts"
import type { Answer, Operation } from "./operation-codec.ts"
import { encodeOperation, encodeRequest, readAnswer } from "./operation-codec.ts"
import type { Owner } from "./owner.ts"
import { liveValues } from "./record.ts"
import { isSilence } from "./replica-queue.ts"
import type { Rpc } from "./rpc.ts"

export interface RouterOptions {
  /** An operation is given up after so long. */
  readonly timeoutMs: number
  /** Redirections before the search starts over. @default 32 */
  readonly maxHops?: number
}

export interface RouterComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly routing: KeyBasedRouting
  readonly owner: Owner
}

/** Where a search stands; also who is told of it. */
export interface Progress {
  onHop?(member: Member, hop: number): void
  onAnswer?(member: Member, rttMs: number, closer: readonly Member[]): void
  onTimeout?(member: Member, waitedMs: number): void
}

/** An answer, and who gave it. */
export interface Found {
  readonly owner: Member
  readonly answer: Exclude<Answer, { status: "redirect" }>
  readonly hops: number
}

/** With these a peer says that it cannot serve, not that the operation is wrong. */
const unfit: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "P2PSIP_NOT_OPEN", "P2PSIP_NOT_SUPPORTED", "P2PSIP_BAD_FRAME", "P2PSIP_DEFECT",
])
const firstPauseMs = 20
const longestPauseMs = 500
const defaultMaxHops = 32
const hopBuckets = Array.from({ length: 16 }, (_, hops) => hops)

/** See the head of this file. */
export class Router {
  readonly #components: RouterComponents
  readonly #timeoutMs: number
  readonly #maxHops: number
  readonly #hops: Histogram
  readonly #silences: Counter

  constructor(components: RouterComponents, options: RouterOptions) {
    const { metrics } = components.runtime
    this.#hops = metrics.histogram("p2psip_overlay_hops", "peers asked until the owner of a key has answered", hopBuckets)
    this.#silences = metrics.counter("p2psip_overlay_silent_hops_total", "peers asked about a key that did not answer")
    this.#components = components
    this.#timeoutMs = options.timeoutMs
    this.#maxHops = options.maxHops ?? defaultMaxHops
  }

  /**
   * Rejects with `P2PSIP_TIMEOUT`, `P2PSIP_NOT_OPEN` (this peer stops), or as
   * the owner did.
   */
  async run(key: Id, operation: Operation, signal?: AbortSignal, progress: Progress = {}): Promise<Found> {
    const { runtime } = this.#components
    const onSilence = (): void => this.#silences.add()
    const search = new Search(this.#components, { key, operation, signal, progress, onSilence, giveUpAt: runtime.now() + this.#timeoutMs })
    let pauseMs = firstPauseMs
    for (;;) {
      const found = await search.attempt(this.#maxHops)
      if (found !== undefined) {
        this.#hops.observe(found.hops)
        return found
      }
      if (this.#components.rpc.isStopped) throw new P2PSipError("P2PSIP_NOT_OPEN", "this peer has left the overlay")
      // Nobody left to ask, or a circle: the overlay is changing. Wait a moment and begin anew.
      const jittered = pauseMs * (0.5 + runtime.random.float())
      if (runtime.now() + jittered >= search.giveUpAt) {
        throw new P2PSipError("P2PSIP_TIMEOUT", `no owner of the key answered within ${this.#timeoutMs} ms`)
      }
      await new Promise<void>((resolve) => void runtime.setTimer(jittered, resolve))
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
    }
  }
}

interface SearchFacts {
  readonly key: Id
  readonly operation: Operation
  readonly signal: AbortSignal | undefined
  readonly progress: Progress
  readonly onSilence: () => void
  readonly giveUpAt: number
}

/** One operation on its way. */
class Search {
  readonly giveUpAt: number
  readonly #components: RouterComponents
  readonly #facts: SearchFacts
  readonly #silent = new Set<PeerId>()
  #body: Uint8Array | undefined
  #hops = 0

  constructor(components: RouterComponents, facts: SearchFacts) {
    this.#components = components
    this.#facts = facts
    this.giveUpAt = facts.giveUpAt
  }

  /** Follows one chain of redirections; undefined when it leads nowhere at present. */
  async attempt(maxHops: number): Promise<Found | undefined> {
    const { routing, runtime } = this.#components
    const asked = new Set<PeerId>()
    const avoided = new Set(this.#silent)
    let next: Member | undefined
    for (let hop = 0; hop < maxHops && runtime.now() < this.giveUpAt; hop++) {
      this.#facts.signal?.throwIfAborted()
      const local = await this.#askSelf()
      if (local !== undefined) return local
      const target: Member | undefined = next ?? routing.nextHop(this.#facts.key, avoided)
      next = undefined
      if (target === undefined || target.peerId === routing.self.peerId) break
      asked.add(target.peerId)
      const answer = await this.#ask(target)
      if (answer === undefined) {
        avoided.add(target.peerId)
      } else if (answer.status !== "redirect") {
        return { owner: target, answer, hops: this.#hops }
      } else {
        // Who says "not me" without a way on is of no more use in this attempt; nor is a circle.
        avoided.add(target.peerId)
        next = answer.members.find((member) => !asked.has(member.peerId) && !this.#silent.has(member.peerId))
        if (next === undefined && answer.members.length > 0) break
      }
    }
    // The silent get another chance: some may only have been slow.
    this.#silent.clear()
    return undefined
  }

  async #askSelf(): Promise<Found | undefined> {
    const { routing, owner, runtime } = this.#components
    const { key, operation } = this.#facts
    if (!routing.isResponsible(key)) return undefined
    const result = await owner.execute(key, operation)
    if (result.status === "redirect") return undefined
    const values = liveValues(result.records, runtime.now())
    if (result.status === "rejected") {
      return { owner: routing.self, hops: this.#hops, answer: { status: "rejected", code: result.code, message: result.message, values } }
    }
    return { owner: routing.self, hops: this.#hops, answer: { status: "done", values, replicas: result.replicas } }
  }

  /** Undefined when the peer is silent, or not able to serve. */
  async #ask(target: Member): Promise<Answer | undefined> {
    const { rpc, runtime, routing } = this.#components
    const { key, operation, progress, signal } = this.#facts
    const startedAt = runtime.now()
    this.#hops++
    progress.onHop?.(target, this.#hops)
    this.#body ??= encodeOperation(operation)
    try {
      const request = encodeRequest(key, operation.kind, this.#silent, this.#body)
      const timeoutMs = Math.max(1, this.giveUpAt - startedAt)
      const reply = await rpc.call(target, methods.execute, request, signal === undefined ? { timeoutMs } : { timeoutMs, signal })
      const answer = readAnswer(reply)
      progress.onAnswer?.(target, runtime.now() - startedAt, closerOf(answer))
      return answer
    } catch (error) {
      if (isSilence(error)) {
        this.#facts.onSilence()
        progress.onTimeout?.(target, runtime.now() - startedAt)
        routing.suspect(target.peerId)
        this.#silent.add(target.peerId)
        return undefined
      }
      // It is starting, leaving, or has a defect: somebody else may do better.
      if (error instanceof P2PSipError && unfit.has(error.code)) return undefined
      throw error
    }
  }
}

function closerOf(answer: Answer): readonly Member[] {
  return answer.status === "redirect" ? answer.members : []
}

export function peerInfoOf({ peerId, id, addresses }: Member): PeerInfo {
  return { peerId, id, addresses }
}
