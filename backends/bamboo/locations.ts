/** Where members lie on the map of round-trip times: what they said of themselves, and what follows for time-outs. */
import type { PeerId } from "../../src/link/link.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Named } from "./messages.ts"
import type { Coordinate } from "./vivaldi.ts"
import { foretoldMs, moved, origin } from "./vivaldi.ts"

const maxRemembered = 1_024
/** A coordinate that is less sure than this foretells nothing. */
const maxError = 0.5

/** See the head of this file. */
export class Locations {
  readonly #runtime: Runtime
  readonly #rpc: Rpc
  readonly #coordinates = new Map<PeerId, Coordinate>()
  #own = origin

  constructor({ runtime, rpc }: { readonly runtime: Runtime; readonly rpc: Rpc }) {
    this.#runtime = runtime
    this.#rpc = rpc
  }

  get own(): Coordinate {
    return this.#own
  }

  get(peerId: PeerId): Coordinate | undefined {
    return this.#coordinates.get(peerId)
  }

  /** A member said where it lies, or another did. */
  learn({ member: { peerId }, coordinate }: Named): void {
    if (coordinate === undefined) return
    this.#coordinates.delete(peerId)
    this.#coordinates.set(peerId, coordinate)
    const rttMs = this.expectedMs(peerId)
    if (rttMs !== undefined) this.#rpc.expectRtt(peerId, rttMs)
    if (this.#coordinates.size <= maxRemembered) return
    for (const oldest of this.#coordinates.keys()) {
      this.#coordinates.delete(oldest)
      return
    }
  }

  /** A member has answered: its round-trip time tells where this peer lies. */
  measured(peerId: PeerId): void {
    const coordinate = this.#coordinates.get(peerId)
    const rttMs = this.#rpc.rttMs(peerId)
    if (coordinate !== undefined && rttMs !== undefined) this.#own = moved(this.#own, coordinate, rttMs, this.#runtime.random.float())
  }

  /** The round-trip time to a member: as measured, or else as the coordinates foretell it, if they can. */
  expectedMs(peerId: PeerId): number | undefined {
    const measured = this.#rpc.rttMs(peerId)
    const coordinate = this.#coordinates.get(peerId)
    if (measured !== undefined || coordinate === undefined) return measured
    return this.#own.error < maxError && coordinate.error < maxError ? foretoldMs(this.#own, coordinate) : undefined
  }
}
