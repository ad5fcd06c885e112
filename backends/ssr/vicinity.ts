/**
 * Whom the neighbours have for neighbours, as these say: everybody within two
 * links. The route cache learns from packets, and no packet may ever have come
 * from the house across the road by way of the one next door.
 */
import type { Address } from "./address.ts"

/** Neighbours of one neighbour that are taken note of. */
const maxTold = 128

/** See the head of this file. */
export class Vicinity {
  readonly #self: Address
  readonly #told = new Map<Address, ReadonlySet<Address>>()
  /** A neighbour of each of them. */
  readonly #via = new Map<Address, Address>()

  constructor(self: Address) {
    this.#self = self
  }

  /** Which neighbour has this node for its own; undefined where none says so. */
  via(address: Address): Address | undefined {
    return this.#via.get(address)
  }

  /** All that a neighbour says; what it said before no longer counts. Returns whom it has no longer. */
  tell(neighbour: Address, theirs: Iterable<Address>): Address[] {
    const before = this.#told.get(neighbour)
    const now = new Set<Address>()
    for (const address of theirs) {
      if (now.size >= maxTold) break
      if (address !== this.#self) now.add(address)
    }
    this.#told.set(neighbour, now)
    for (const address of now) if (!this.#via.has(address)) this.#via.set(address, neighbour)
    const gone = [...(before ?? [])].filter((address) => !now.has(address))
    for (const address of gone) this.#drop(address, neighbour)
    return gone
  }

  /** It is a neighbour no more. */
  forget(neighbour: Address): void {
    const before = this.#told.get(neighbour)
    this.#told.delete(neighbour)
    for (const address of before ?? []) this.#drop(address, neighbour)
  }

  #drop(address: Address, neighbour: Address): void {
    if (this.#via.get(address) !== neighbour) return
    this.#via.delete(address)
    for (const [other, theirs] of this.#told) {
      if (theirs.has(address)) return void this.#via.set(address, other)
    }
  }
}
