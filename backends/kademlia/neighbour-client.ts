/**
 * Asking other members, and telling the dead from the merely slow.
 *
 * The RPC layer repeats a request that went unanswered, so one lost frame
 * never makes a peer dead; a connection that broke is tried anew before it is
 * taken for a death.
 */
import type { ErrorCode } from "../../src/errors.ts"
import { isP2PSipError } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Announcement, AnnouncementAnswer, Farewell, FindRequest } from "./messages.ts"
import {
  decodeAnnouncementAnswer, decodeMembers, encodeAnnouncement, encodeFarewell, encodeFind, encodeMembers, kademliaMethods,
} from "./messages.ts"

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
const farewellLimits = { attempts: 2, timeoutMs: 2_000 }
const redialMs = 50

/** See the head of this file. */
export class NeighbourClient {
  readonly #runtime: Runtime
  readonly #rpc: Rpc
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

  /** "Are you there?"; several who want to know share one question. */
  ping(member: Member): Promise<Outcome<true>> {
    const running = this.#pings.get(member.peerId)
    if (running !== undefined) return running
    const ping = this.#attempt<true>(member, async (signal) => {
      await this.#rpc.call(member, kademliaMethods.ping, new Uint8Array(), { ...pingLimits, signal })
      return true
    }).finally(() => this.#pings.delete(member.peerId))
    this.#pings.set(member.peerId, ping)
    return ping
  }

  /** "This is me; whom close to me do I not know?" */
  announce(member: Member, announcement: Announcement): Promise<Outcome<AnnouncementAnswer>> {
    const body = encodeAnnouncement(announcement)
    return this.#attempt(member, async (signal) =>
      decodeAnnouncementAnswer(await this.#rpc.call(member, kademliaMethods.announce, body, { signal })),
    )
  }

  /** "Whom do you know that is close to this key?" */
  find(member: Member, request: FindRequest): Promise<Outcome<readonly Member[]>> {
    const body = encodeFind(request)
    return this.#attempt(member, async (signal) => decodeMembers(await this.#rpc.call(member, kademliaMethods.find, body, { signal })))
  }

  /** "I leave." */
  async leave(member: Member, farewell: Farewell): Promise<void> {
    const body = encodeFarewell(farewell)
    await this.#attempt(member, (signal) => this.#rpc.call(member, kademliaMethods.leave, body, { ...farewellLimits, signal }))
  }

  /** Tells that a member was found dead. */
  lost(member: Member, dead: Member): void {
    this.#rpc.notify(member, kademliaMethods.lost, encodeMembers([dead]))
  }

  async #attempt<T>(member: Member, question: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> {
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

  async #ask<T>(question: () => Promise<T>): Promise<Outcome<T>> {
    try {
      return { kind: "answered", answer: await question() }
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      return this.#isStopped || !deadly.has(error.code) ? { kind: "unclear" } : { kind: "dead", code: error.code }
    }
  }
}
