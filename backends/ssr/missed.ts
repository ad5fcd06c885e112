/**
 * Peers that a node came in by, or has lost without a word: they may be in a
 * mesh of their own by now. Acquaintances are forgotten for others of the same
 * mesh; these are not.
 */
import type { PeerAddress, PeerId } from "../../src/link/link.ts"

const maxMissed = 16

interface Missed {
  readonly peer: PeerAddress
  tries: number
}

/** See the head of this file. */
export class MissedNodes {
  #missed: Missed[] = []

  add(peer: PeerAddress): void {
    this.delete(peer.peerId)
    if (this.#missed.length >= maxMissed) this.#forgetOne()
    this.#missed.push({ peer, tries: 0 })
  }

  /** It is there. */
  delete(peerId: PeerId): void {
    this.#missed = this.#missed.filter(({ peer }) => peer.peerId !== peerId)
  }

  /** Whose turn it is to be looked for. */
  next(fits: (peer: PeerAddress) => boolean): PeerAddress | undefined {
    let next: Missed | undefined
    for (const one of this.#missed) if (fits(one.peer) && (next === undefined || one.tries < next.tries)) next = one
    if (next !== undefined) next.tries++
    return next?.peer
  }

  /** The one that was looked for most often: it is the least likely to live. */
  #forgetOne(): void {
    const most = Math.max(...this.#missed.map(({ tries }) => tries))
    this.#missed.splice(this.#missed.findIndex(({ tries }) => tries === most), 1)
  }
}
