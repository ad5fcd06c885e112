/**
 * Peers that were found dead, or said that they leave.
 *
 * For a while hearsay about them counts for nothing. And it is remembered
 * that others may have answered for their keys: one that was taken for dead
 * wrongly has to be told.
 */
import type { PeerId } from "../link/link.ts"
import type { Id } from "./id.ts"
import type { Member } from "./key-based-routing.ts"
import type { Runtime } from "../runtime/runtime.ts"

const doubtMs = 10_000
/** A peer that was taken for dead is told so for a while: answers may get lost. */
const tellMs = 5_000
const maxLost = 1024

interface Lost {
  readonly member: Member
  /** Until then it is not worth asking. */
  readonly until: number
  /** From then on it counts as told. */
  readonly toldAt: number
  readonly verdict: number
}

/** See the head of this file. */
export class LostPeers {
  readonly #runtime: Runtime
  readonly #lost = new Map<PeerId, Lost>()
  #verdicts = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  add(member: Member): void {
    this.#lost.delete(member.peerId)
    this.#lost.set(member.peerId, { member, until: this.#runtime.now() + doubtMs, toldAt: Infinity, verdict: this.#newVerdict() })
    if (this.#lost.size <= maxLost) return
    for (const oldest of this.#lost.keys()) {
      this.#lost.delete(oldest)
      return
    }
  }

  /** Whether it was lost of late: not worth asking. */
  isDoubtful(peerId: PeerId): boolean {
    return (this.#lost.get(peerId)?.until ?? -Infinity) > this.#runtime.now()
  }

  /** Whether it was lost, and may not know it. */
  has(peerId: PeerId): boolean {
    const lost = this.#lost.get(peerId)
    return lost !== undefined && lost.toldAt > this.#runtime.now()
  }

  /** 0 if it was never lost; else a number that is new each time that it was lost, and once more when it was heard again. */
  verdictOn(peerId: PeerId): number {
    return this.#lost.get(peerId)?.verdict ?? 0
  }

  /** It lives, or so others say: it is worth asking again. */
  forgive(peerId: PeerId): void {
    const lost = this.#lost.get(peerId)
    if (lost !== undefined) this.#lost.set(peerId, { ...lost, until: -Infinity })
  }

  /** It is being told. */
  telling(peerId: PeerId): void {
    const lost = this.#lost.get(peerId)
    if (lost?.toldAt === Infinity) this.#lost.set(peerId, { ...lost, toldAt: this.#runtime.now() + tellMs, verdict: this.#newVerdict() })
  }

  /** The places of those that are not worth asking. */
  get doubtfulIds(): Id[] {
    const now = this.#runtime.now()
    return [...this.#lost.values()].filter(({ until }) => until > now).map(({ member }) => member.id)
  }

  #newVerdict(): number {
    this.#verdicts = (this.#verdicts + 1) % 2 ** 32
    return this.#verdicts
  }
}
