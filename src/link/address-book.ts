/** Where peers can be reached: a bounded table, the peers unheard of for longest forgotten first. */
import type { PeerAddress, PeerId } from "./link.ts"

const maxAddressesPerPeer = 8
const maxAddressLength = 256

/** See the head of this file. */
export class AddressBook {
  readonly #maxPeers: number
  readonly #addresses = new Map<PeerId, readonly string[]>()

  constructor(maxPeers: number) {
    this.#maxPeers = maxPeers
  }

  get size(): number {
    return this.#addresses.size
  }

  /** Adds what is new in front of what was known. */
  learn(peer: PeerAddress): void {
    const known = this.#addresses.get(peer.peerId) ?? []
    const usable = peer.addresses.filter((address) => address.length > 0 && address.length <= maxAddressLength)
    if (usable.length === 0 && known.length === 0) return
    const isOldNews = usable.every((address, index) => known[index] === address)
    const merged = isOldNews ? known : [...new Set([...usable, ...known])].slice(0, maxAddressesPerPeer)
    // A Map keeps the order of insertion: what is set again counts as new.
    this.#addresses.delete(peer.peerId)
    this.#addresses.set(peer.peerId, merged)
    if (this.#addresses.size <= this.#maxPeers) return
    for (const oldest of this.#addresses.keys()) {
      this.#addresses.delete(oldest)
      break
    }
  }

  /** The addresses of a peer, most useful first; empty when none is known. */
  addressesOf(peerId: PeerId): readonly string[] {
    return this.#addresses.get(peerId) ?? []
  }
}
