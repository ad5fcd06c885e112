/**
 * One operation on its way, as the asker sees it. Each peer that is asked does
 * it, has it done (when it is to be passed on), or names a better one; the
 * silent are suspected and gone round.
 */
import type { ErrorCode } from "../errors.ts"
import { P2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Journey } from "./forward-codec.ts"
import { encodeForward, markOf, readReturn } from "./forward-codec.ts"
import type { Id } from "./id.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import { methods } from "./methods.ts"
import type { Answer, Operation } from "./operation-codec.ts"
import { encodeOperation, encodeRequest, readAnswer } from "./operation-codec.ts"
import type { Owner } from "./owner.ts"
import { isSilence } from "./replica-queue.ts"
import type { Rpc } from "./rpc.ts"
import type { CallOptions } from "./rpc-options.ts"
import { liveValues } from "./view.ts"

/** How an operation gets to the owner of its key: passed on from peer to peer, or carried by the asker. */
export type RoutingMode = "recursive" | "iterative"

export interface SearchComponents {
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

/** An answer, and what it took. */
export interface Found {
  /** The owner, after a look-up; otherwise whoever brought the answer. */
  readonly owner: Member
  readonly answer: Exclude<Answer, { status: "redirect" }>
  readonly hops: number
}

/** What is searched for. */
export interface SearchFacts {
  readonly key: Id
  readonly operation: Operation
  /** The asker's name for it, should it be passed on. */
  readonly name: number
  readonly signal: AbortSignal | undefined
  readonly progress: Progress
  readonly onSilence: () => void
  readonly giveUpAt: number
}

/** With these a peer says that it cannot serve, not that the operation is wrong. */
const unfit: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "P2PSIP_NOT_OPEN", "P2PSIP_NOT_SUPPORTED", "P2PSIP_BAD_FRAME", "P2PSIP_DEFECT",
])
/** How often one search turns back to those who named a silent peer. */
const maxQuestions = 6
const nowhere: Journey = { hops: 0, via: [] }

/** Whether a call failed because that peer, rather than any, cannot serve. */
export function isUnfit(error: unknown): boolean {
  return error instanceof P2PSipError && unfit.has(error.code)
}

/** How patient the peer beside a hop is: there may be another way, and one that is at work says so when it is asked again. */
export function hopLimits(rpc: Rpc, member: Member, timeoutMs: number): CallOptions {
  // The first request of all may have to wait for its connection.
  return { timeoutMs, attempts: rpc.rttMs(member.peerId) === undefined ? 3 : 2 }
}

/** See the head of this file. */
export class Search {
  readonly #components: SearchComponents
  readonly #facts: SearchFacts
  readonly #silent = new Set<PeerId>()
  #mode: RoutingMode
  #body: Uint8Array | undefined
  #hops: number
  #isStopped = false

  constructor(components: SearchComponents, facts: SearchFacts, mode: RoutingMode, hops = 0) {
    this.#components = components
    this.#facts = facts
    this.#mode = mode
    this.#hops = hops
  }

  /** Peers that were asked so far. */
  get hops(): number {
    return this.#hops
  }

  /** Asks nobody more. */
  stop(): void {
    this.#isStopped = true
  }

  /** Follows one chain of redirections; undefined when it leads nowhere at present. */
  async attempt(maxHops: number): Promise<Found | undefined> {
    const { routing, runtime } = this.#components
    const asked = new Set<PeerId>()
    const avoided = new Set(this.#silent)
    let next: Member | undefined
    let teller: Member | undefined
    let questions = 0
    for (let hop = 0; hop < maxHops && runtime.now() < this.#facts.giveUpAt && !this.#isStopped; hop++) {
      this.#facts.signal?.throwIfAborted()
      const local = await this.#askSelf()
      if (local !== undefined) return local
      const target: Member | undefined = next ?? routing.nextHop(this.#facts.key, avoided)
      next = undefined
      if (target === undefined || target.peerId === routing.self.peerId) break
      asked.add(target.peerId)
      const reply = await this.#ask(target)
      if (reply === undefined) {
        avoided.add(target.peerId)
        // Whoever named it is nearer to the owner than those that this peer knows, and may know another way.
        if (teller !== undefined && teller !== target && ++questions <= maxQuestions) next = teller
      } else if (reply.answer.status !== "redirect") {
        return { owner: reply.via.at(-1) ?? target, answer: reply.answer, hops: this.#hops }
      } else {
        // Who says "not me" without a way on is of no more use in this attempt; nor is a circle.
        avoided.add(target.peerId)
        // Nor are those who pass on: one of them is too busy, or sees no way.
        this.#mode = "iterative"
        const { members } = reply.answer
        teller = target
        next = members.find((member) => !asked.has(member.peerId) && !this.#silent.has(member.peerId))
        if (next === undefined && members.length > 0) break
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
  async #ask(target: Member): Promise<(Journey & { readonly answer: Answer }) | undefined> {
    const { runtime, routing } = this.#components
    const { progress } = this.#facts
    const startedAt = runtime.now()
    this.#hops++
    progress.onHop?.(target, this.#hops)
    try {
      const reply = await this.#call(target, Math.max(1, this.#facts.giveUpAt - startedAt))
      for (const [index, member] of reply.via.entries()) progress.onHop?.(member, this.#hops + index + 1)
      this.#hops += reply.hops
      progress.onAnswer?.(reply.via.at(-1) ?? target, runtime.now() - startedAt, closerOf(reply.answer))
      return reply
    } catch (error) {
      if (isSilence(error)) {
        this.#facts.onSilence()
        progress.onTimeout?.(target, runtime.now() - startedAt)
        routing.suspect(target.peerId)
        this.#silent.add(target.peerId)
        return undefined
      }
      // It is starting, leaving, or has a defect: somebody else may do better.
      if (isUnfit(error)) return undefined
      throw error
    }
  }

  async #call(target: Member, timeoutMs: number): Promise<Journey & { readonly answer: Answer }> {
    const { rpc, routing } = this.#components
    const { key, operation, name, signal } = this.#facts
    this.#body ??= encodeOperation(operation)
    const request = encodeRequest(key, operation.kind, this.#silent, this.#body)
    const limits = signal === undefined ? hopLimits(rpc, target, timeoutMs) : { ...hopLimits(rpc, target, timeoutMs), signal }
    if (this.#mode === "iterative") return { ...nowhere, answer: readAnswer(await rpc.call(target, methods.execute, request, limits)) }
    const forward = encodeForward({ name, withinMs: timeoutMs, trail: [markOf(routing.self.id)] }, request)
    return readReturn(await rpc.call(target, methods.forward, forward, limits))
  }
}

function closerOf(answer: Answer): readonly Member[] {
  return answer.status === "redirect" ? answer.members : []
}
