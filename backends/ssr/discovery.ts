/**
 * Who is on the interfaces of this node: from beacons to links, from links to
 * neighbours. Bounded, whatever is said there.
 */
import type { Address } from "./address.ts"
import type { Beacon, Heard } from "./beacon.ts"
import { maxHeard } from "./beacon.ts"
import type { Hearing } from "./hearing.ts"
import { costOf, firstHeard, heardAgain, heardNothing, isSilent, qualityOf } from "./hearing.ts"

/** A node at a place on an interface. */
export interface Sighting {
  /** The interface, see `Ether`. */
  readonly on: string
  /** Where it sits there. */
  readonly at: string
  readonly hearing: Hearing
}

/** What became of a beacon: taken, or the reason why not. `new` is from a process that was not known there. */
export type BeaconOutcome = "taken" | "new" | "own address" | "duplicate address" | "old beacon" | "too many neighbours"

/** A neighbour that has come to be, or is none any more. */
export type NeighbourListener = (name: "up" | "down", neighbour: Address) => void

export interface DiscoveryOptions {
  /** Nodes heard on one interface that are remembered. */
  readonly maxNeighbours: number
}

/** What is sent over two links may overtake itself: a change of links must be worth it. */
const loyalty = 0.8

/** See the head of this file. */
export class Discovery {
  readonly #self: Address
  readonly #epoch: number
  readonly #options: DiscoveryOptions
  readonly #listener: NeighbourListener
  /** By interface, then by place there. */
  readonly #sightings = new Map<string, Map<string, Hearing>>()
  /** The best link to each neighbour. */
  readonly #links = new Map<Address, Sighting>()

  constructor(self: { readonly address: Address; readonly epoch: number }, options: DiscoveryOptions, listener: NeighbourListener) {
    this.#self = self.address
    this.#epoch = self.epoch
    this.#options = options
    this.#listener = listener
  }

  /** The neighbours. */
  neighbours(): IterableIterator<Address> {
    return this.#links.keys()
  }

  /** The best link to a neighbour. */
  linkTo(address: Address): Sighting | undefined {
    return this.#links.get(address)
  }

  /** Who sits at a place, if its link is up. */
  neighbourAt(on: string, at: string): Hearing | undefined {
    const hearing = this.#sightings.get(on)?.get(at)
    return hearing?.isUp === true ? hearing : undefined
  }

  /** All who are heard, in no order. */
  *sightings(): IterableIterator<Sighting> {
    for (const [on, places] of this.#sightings) for (const [at, hearing] of places) yield { on, at, hearing }
  }

  /** What a beacon on an interface is to say: who is heard there, and neighbours elsewhere. */
  heardOn(on: string, now: number): readonly Heard[] {
    const heard = [...(this.#sightings.get(on)?.values() ?? [])]
    const here = heard.map((hearing) => ({ address: hearing.address, quality: Math.min(1, qualityOf(hearing, now)) }))
    const elsewhere = [...this.#links].filter(([, link]) => link.on !== on).map(([address]) => ({ address, quality: 0 }))
    return [...here, ...elsewhere].slice(0, maxHeard)
  }

  onBeacon(on: string, at: string, beacon: Beacon, now: number): BeaconOutcome {
    // Its own beacon, by way of another interface of the same network; or somebody else's who took this address.
    if (beacon.address === this.#self) return beacon.epoch === this.#epoch ? "taken" : "own address"
    const places = this.#placesOn(on)
    const known = places.get(at)
    if (known?.address === beacon.address && known.epoch === beacon.epoch) return this.#heardAgain(on, at, known, beacon, now)
    if (beacon.intervalMs === 0) return "taken"
    if (this.#isElsewhere(places, at, beacon.address, now)) return "duplicate address"
    // One node sits at a place: a restarted one, or a new one, takes the place of the old.
    if (known !== undefined) this.#forget(on, at, now)
    if (places.size >= this.#options.maxNeighbours && !this.#makeRoom(on, now)) return "too many neighbours"
    places.set(at, firstHeard(beacon, this.#self, now))
    return "new"
  }

  /** Looks who has fallen silent. */
  tick(now: number): void {
    for (const { on, at, hearing } of [...this.sightings()]) {
      if (isSilent(hearing, now)) this.#forget(on, at, now)
      else this.#set(on, at, heardNothing(hearing, now), now)
    }
  }

  /** An interface is gone, or all are. */
  clear(now: number, on?: string): void {
    for (const sighting of [...this.sightings()]) if (on === undefined || sighting.on === on) this.#forget(sighting.on, sighting.at, now)
  }

  #heardAgain(on: string, at: string, known: Hearing, beacon: Beacon, now: number): BeaconOutcome {
    if (beacon.intervalMs === 0) {
      this.#forget(on, at, now)
      return "taken"
    }
    const next = heardAgain(known, beacon, this.#self, now)
    if (next === undefined) return "old beacon"
    this.#set(on, at, next, now)
    return "taken"
  }

  /** The same address is in use at another place of the interface, by one that is still heard. */
  #isElsewhere(places: ReadonlyMap<string, Hearing>, at: string, address: Address, now: number): boolean {
    return [...places].some(([place, hearing]) => place !== at && hearing.address === address && !isSilent(hearing, now))
  }

  /** Forgets the one of those without a link that was not heard for longest. Links stay: newcomers must not drive out neighbours. */
  #makeRoom(on: string, now: number): boolean {
    const idle = [...this.#placesOn(on)].filter(([, { isUp }]) => !isUp)
    const oldest = idle.reduce<[string, Hearing] | undefined>((old, one) => (old === undefined || one[1].heardAt < old[1].heardAt ? one : old), undefined)
    if (oldest === undefined) return false
    this.#forget(on, oldest[0], now)
    return true
  }

  #placesOn(on: string): Map<string, Hearing> {
    let places = this.#sightings.get(on)
    if (places === undefined) this.#sightings.set(on, (places = new Map<string, Hearing>()))
    return places
  }

  #set(on: string, at: string, hearing: Hearing, now: number): void {
    this.#placesOn(on).set(at, hearing)
    this.#choose(hearing.address, now)
  }

  #forget(on: string, at: string, now: number): void {
    const places = this.#placesOn(on)
    const hearing = places.get(at)
    if (hearing === undefined) return
    places.delete(at)
    this.#choose(hearing.address, now)
  }

  /** Of several links to a node the best one carries its packets; that in use as long as none is much better. */
  #choose(address: Address, now: number): void {
    const used = this.#links.get(address)
    let best: Sighting | undefined
    let least = Infinity
    for (const sighting of this.sightings()) {
      const { on, at, hearing } = sighting
      if (hearing.address !== address || !hearing.isUp) continue
      const cost = costOf(hearing, now) * (used?.on === on && used.at === at ? loyalty : 1)
      if (cost < least) [best, least] = [sighting, cost]
    }
    const wasUp = used !== undefined
    if (best === undefined) this.#links.delete(address)
    else this.#links.set(address, best)
    if (wasUp !== (best !== undefined)) this.#listener(wasUp ? "down" : "up", address)
  }
}
