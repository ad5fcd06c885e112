/**
 * Which peers this one took for dead wrongly, as they are told, and what it is
 * told itself: a verdict is repeated for a while, for answers may get lost, and
 * yet each is to be acted upon once.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { LostPeers } from "../../src/overlay/lost-peers.ts"
import type { Random } from "../../src/runtime/runtime.ts"

/** Tellers whose last verdict is remembered. */
const maxTellers = 1_024

/** See the head of this file. */
export class Verdicts {
  readonly #lost: LostPeers
  /** Sets the numbers of this life apart from those of an earlier one. */
  readonly #salt: number
  readonly #heard = new Map<PeerId, number>()

  constructor(lost: LostPeers, random: Random) {
    this.#lost = lost
    this.#salt = random.uint32()
  }

  /** What to tell a peer: 0 if there is nothing to tell, another number for each time that it was lost. */
  on(peerId: PeerId): number {
    if (!this.#lost.has(peerId)) return 0
    return (this.#salt + this.#lost.verdictOn(peerId)) % 2 ** 32 || 1
  }

  /** Whether a peer tells of a verdict that it has not told of before. */
  isNew(teller: PeerId, verdict: number): boolean {
    if (verdict === 0 || this.#heard.get(teller) === verdict) return false
    this.#heard.delete(teller)
    this.#heard.set(teller, verdict)
    const oldest = this.#heard.keys().next().value
    if (this.#heard.size > maxTellers && oldest !== undefined) this.#heard.delete(oldest)
    return true
  }
}
