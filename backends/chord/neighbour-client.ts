/**
 * Asking other members, and telling the dead from the merely slow.
 *
 * The RPC layer repeats a request that went unanswered, so one lost frame
 * never makes a peer dead; a connection that broke is tried anew before it is
 * taken for a death.
 */
import type { ByteReader } from "../../src/codec.ts"
import type { ErrorCode } from "../../src/errors.ts"
import { isP2PSipError } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { FindAnswer, FindRequest, Notification, Report, Told } from "./messages.ts"
import {
  chordMethods, decodeAskAnswer, decodeFindAnswer, decodeNotifyAnswer, encodeAsk, encodeFind, encodeLost, encodeNotification,
  encodeReport,
} from "./messages.ts"
import type { NotifyAnswer } from "./ring.ts"

/**
 * What became of a question. `dead`: no answer, or one that no member of this
 * overlay gives. `unclear`: neither an answer nor a sign of death.
 */
export type Outcome<T> =
  | { readonly kind: "answered"; readonly answer: T }
  | { readonly kind: "dead"; readonly code: ErrorCode }
  | { readonly kind: "unclear" }

/** Errors which say that the peer is not, or no longer, there as a member. */
const deadly: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "P2PSIP_TIMEOUT", "P2PSIP_UNREACHABLE", "P2PSIP_NOT_OPEN", "P2PSIP_NOT_SUPPORTED", "P2PSIP_BAD_FRAME",
])
const dialAttempts = 3
/** Whoever is pinged has kept others waiting already, and its timeout has doubled with each attempt. */
const pingLimits = { attempts: 2, timeoutMs: 4_000 }
const redialMs = 50
const maxRemembered = 256

/** See the head of this file. */
export class NeighbourClient {
  readonly #runtime: Runtime
  readonly #rpc: Rpc
  /** What members told last, so that they need not repeat it. */
  readonly #told = new Map<PeerId, Told>()
  readonly #pings = new Map<PeerId, Promise<Outcome<true>>>()
  /** Questions under way, by peer. */
  readonly #underWay = new Map<PeerId, Set<AbortController>>()
  #isStopped = false

  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }) {
    this.#runtime = components.runtime
    this.#rpc = components.rpc
  }

  stop(): void {
    this.#isStopped = true
  }

  /** The peer was found dead: whoever still waits for its answer need not. */
  giveUp(peerId: PeerId): void {
    for (const controller of this.#underWay.get(peerId) ?? []) controller.abort()
    this.#rpc.giveUp(peerId)
  }

  /** What a member told last, if that is remembered. */
  lastTold(peerId: PeerId): Told | undefined {
    return this.#told.get(peerId)
  }

  /** Remembers what a member told unasked. */
  remember(peerId: PeerId, told: Told): void {
    this.#told.delete(peerId)
    this.#told.set(peerId, told)
    if (this.#told.size <= maxRemembered) return
    for (const oldest of this.#told.keys()) {
      this.#told.delete(oldest)
      return
    }
  }

  /** "What is around you?" */
  ask(member: Member): Promise<Outcome<Told>> {
    return this.#attempt(member, async (signal) => {
      const known = this.#told.get(member.peerId)
      const ask = async (version: number) => decodeAskAnswer(await this.#rpc.call(member, chordMethods.ask, encodeAsk(version), { signal }))
      const told = (await ask(known?.version ?? 0)) ?? known ?? (await ask(0))
      if (told !== undefined) this.remember(member.peerId, told)
      return told
    })
  }

  /** "Are you there?"; several who want to know share one question. */
  ping(member: Member): Promise<Outcome<true>> {
    const running = this.#pings.get(member.peerId)
    if (running !== undefined) return running
    const ping = this.#attempt<true>(member, async (signal) => {
      await this.#rpc.call(member, chordMethods.ping, new Uint8Array(), { ...pingLimits, signal })
      return true
    }).finally(() => this.#pings.delete(member.peerId))
    this.#pings.set(member.peerId, ping)
    return ping
  }

  /** "I am your predecessor, I think." */
  notify(member: Member, notification: Notification): Promise<Outcome<NotifyAnswer>> {
    return this.#attempt(member, async (signal) =>
      decodeNotifyAnswer(await this.#rpc.call(member, chordMethods.notify, encodeNotification(notification), { signal })),
    )
  }

  /** "Who is directly before this key?" */
  find(member: Member, request: FindRequest): Promise<Outcome<FindAnswer>> {
    return this.#attempt(member, async (signal) =>
      decodeFindAnswer(await this.#rpc.call(member, chordMethods.find, encodeFind(request), { signal })),
    )
  }

  /** "I leave; these are the ones around me." */
  leave(member: Member, report: Report): Promise<Outcome<ByteReader>> {
    return this.#attempt(member, (signal) =>
      this.#rpc.call(member, chordMethods.leave, encodeReport(report), { attempts: 2, timeoutMs: 2_000, signal }),
    )
  }

  /** Tells, unasked, what has changed around this peer. */
  update(member: Member, report: Report): void {
    this.#rpc.notify(member, chordMethods.update, encodeReport(report))
  }

  /** Tells that a neighbour was found dead. */
  lost(member: Member, dead: Member): void {
    this.#rpc.notify(member, chordMethods.lost, encodeLost(dead))
  }

  async #attempt<T>(member: Member, question: (signal: AbortSignal) => Promise<T | undefined>): Promise<Outcome<T>> {
    const controller = new AbortController()
    const { signal } = controller
    const underWay = this.#underWay.get(member.peerId) ?? new Set()
    this.#underWay.set(member.peerId, underWay.add(controller))
    try {
      for (let attempt = 1; ; attempt++) {
        const outcome = await this.#ask(() => question(signal))
        if (signal.aborted && outcome.kind !== "answered") return { kind: "dead", code: "P2PSIP_TIMEOUT" }
        const isBroken = outcome.kind === "dead" && outcome.code === "P2PSIP_UNREACHABLE"
        if (!isBroken || attempt === dialAttempts) return outcome
        await new Promise<void>((resolve) => this.#runtime.setTimer(redialMs * attempt, resolve))
      }
    } finally {
      underWay.delete(controller)
      if (underWay.size === 0) this.#underWay.delete(member.peerId)
    }
  }

  async #ask<T>(question: () => Promise<T | undefined>): Promise<Outcome<T>> {
    try {
      const answer = await question()
      return answer === undefined ? { kind: "unclear" } : { kind: "answered", answer }
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      return this.#isStopped || !deadly.has(error.code) ? { kind: "unclear" } : { kind: "dead", code: error.code }
    }
  }
}
