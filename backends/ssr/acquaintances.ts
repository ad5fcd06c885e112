/** Peers that may be asked for a link; bounded. */
import type { PeerAddress, PeerId } from "../../src/link/link.ts"
import type { Random } from "../../src/runtime/runtime.ts"

const maxAcquaintances = 64

/** See the head of this file. */
export class Acquaintances {
  /** Those heard of last come last. */
  readonly #peers = new Map<PeerId, PeerAddress>()

  add(peer: PeerAddress): void {
    const known = this.#peers.get(peer.peerId)
    this.#peers.delete(peer.peerId)
    this.#peers.set(peer.peerId, peer.addresses.length > 0 || known === undefined ? peer : known)
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= maxAcquaintances) break
      this.#peers.delete(oldest)
    }
  }

  /** Others are better: the first to be forgotten. */
  refused(peerId: PeerId): void {
    const peer = this.#peers.get(peerId)
    if (peer === undefined) return
    const others = [...this.#peers].filter(([id]) => id !== peerId)
    this.#peers.clear()
    this.#peers.set(peerId, peer)
    for (const [id, other] of others) this.#peers.set(id, other)
  }

  /** Up to `count` different ones by chance, of those that fit. */
  draw(count: number, random: Random, fits: (peer: PeerAddress) => boolean): PeerAddress[] {
    const left = [...this.#peers.values()].filter(fits)
    const drawn: PeerAddress[] = []
    while (drawn.length < count && left.length > 0) {
      drawn.push(...left.splice(Math.floor(random.float() * left.length), 1))
    }
    return drawn
  }
}
