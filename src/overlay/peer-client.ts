/**
 * Asking other members, and telling the dead from the merely slow.
 *
 * The RPC layer repeats a request that went unanswered, so one lost frame
 * never makes a peer dead; a connection that broke is tried anew before it is
 * taken for a death.
 */
import type { ErrorCode } from "../errors.ts"
import { isP2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import { pause } from "../runtime/pause.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Member } from "./key-based-routing.ts"
import type { Rpc } from "./rpc.ts"

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
const redialMs = 50
/** Whoever is pinged has kept others waiting already, and its timeout has doubled with each attempt. */
const pingLimits = { attempts: 2 }
/** For a farewell: whoever leaves waits no longer. */
export const farewellLimits = { attempts: 2, timeoutMs: 2_000 }

/** The questions of a backend: extend it by them, each made with `_attempt`. */
export class PeerClient {
  protected readonly _rpc: Rpc
  readonly #runtime: Runtime
  readonly #pingMethod: number
  readonly #pings = new Map<PeerId, Promise<Outcome<true>>>()
  /** Questions under way, by peer. */
  readonly #underWay = new Map<PeerId, Set<AbortController>>()
  #isStopped = false

  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }, pingMethod: number) {
    this.#runtime = components.runtime
    this._rpc = components.rpc
    this.#pingMethod = pingMethod
  }

  /** From now on silence is no sign of death: it may be this peer's own. */
  stop(): void {
    this.#isStopped = true
  }

  /** The peer was found dead: whoever still waits for its answer need not. */
  giveUp(peerId: PeerId): void {
    for (const controller of this.#underWay.get(peerId) ?? []) controller.abort()
    this._rpc.giveUp(peerId)
  }

  /** "Are you there?"; several who want to know share one question. */
  ping(member: Member): Promise<Outcome<true>> {
    const running = this.#pings.get(member.peerId)
    if (running !== undefined) return running
    const ping = this._attempt<true>(member, async (signal) => {
      await this._rpc.call(member, this.#pingMethod, new Uint8Array(), { ...pingLimits, signal })
      return true
    }).finally(() => this.#pings.delete(member.peerId))
    this.#pings.set(member.peerId, ping)
    return ping
  }

  /** Puts a question, again after each broken connection; `undefined` for an answer means that it is unclear. */
  protected async _attempt<T>(member: Member, question: (signal: AbortSignal) => Promise<T | undefined>): Promise<Outcome<T>> {
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
        await pause(this.#runtime, redialMs * attempt)
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
