/** Peers that were lately found dead: not asked again for a while, unless they give a sign of life. */
import type { PeerId } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"

const doubtMs = 10_000
const maxDoubts = 1024

/** See the head of this file. */
export class Doubts {
  readonly #runtime: Runtime
  readonly #until = new Map<PeerId, number>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  add(peerId: PeerId): void {
    this.#until.delete(peerId)
    this.#until.set(peerId, this.#runtime.now() + doubtMs)
    if (this.#until.size <= maxDoubts) return
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest)
      return
    }
  }

  clear(peerId: PeerId): void {
    this.#until.delete(peerId)
  }

  has(peerId: PeerId): boolean {
    const until = this.#until.get(peerId)
    if (until === undefined) return false
    if (until > this.#runtime.now()) return true
    this.#until.delete(peerId)
    return false
  }
}
