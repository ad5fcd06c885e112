/** What the caller's side remembers of peers: a bounded table. */
import type { PeerId } from "../link/link.ts"
import type { PeerState } from "./rpc-call.ts"
import { freshPeer } from "./rpc-call.ts"
import type { RpcOptions } from "./rpc-options.ts"

/** See the head of this file. */
export class RpcPeers {
  readonly #options: Required<RpcOptions>
  readonly #peers = new Map<PeerId, PeerState>()

  constructor(options: Required<RpcOptions>) {
    this.#options = options
  }

  /** What is remembered, if anything. */
  get(peerId: PeerId): PeerState | undefined {
    return this.#peers.get(peerId)
  }

  /** What is remembered, from now on at least. */
  of(peerId: PeerId): PeerState {
    const known = this.#peers.get(peerId)
    if (known !== undefined) return known
    if (this.#peers.size >= this.#options.maxPeers) this.#forgetIdle()
    const peer = freshPeer(peerId, this.#options)
    this.#peers.set(peerId, peer)
    return peer
  }

  /** The one that has been known longest of those with nothing under way. */
  #forgetIdle(): void {
    for (const peer of this.#peers.values()) {
      if (peer.calls.size === 0) return void this.#peers.delete(peer.peerId)
    }
  }
}
