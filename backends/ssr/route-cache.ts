/**
 * The ways that a node knows: a tree with this node at its root, so that ways
 * share what they have in common and a better way to one node is a better way
 * to all behind it.
 *
 * Bounded. The links of this node and the nodes that it holds (its neighbours
 * on the ring, and the way there) stay, and of the nodes that it sends to itself
 * the latest; of the others those go first that have not come up for longest,
 * but a fair share of each distance on the ring (as a power of two) stays: dense
 * near this node and sparse far away is what greedy routing needs.
 */
import type { Address } from "./address.ts"
import { clockwise, ringSize } from "./address.ts"
import { AddressMap } from "./address-map.ts"
import type { Branch } from "./branch-table.ts"
import { none, root } from "./branch-table.ts"
import { Branches } from "./branches.ts"
import { Crowd } from "./crowd.ts"
import type { Side } from "./ring-messages.ts"
import type { Route } from "./route.ts"

/** See the head of this file. */
export class RouteCache {
  readonly self: Address
  readonly maxNodes: number
  readonly #tree: Branches
  readonly #branches = new AddressMap<Branch>()
  /** By distance on the ring, as a power of two; positive clockwise, negative counter-clockwise. */
  readonly #crowds = new Map<number, number>()
  readonly #held = new Set<Address>()
  /** In the order in which this node last had something to say to them. */
  readonly #kept = new Set<Address>()
  #stamp = 0
  /** The nearest on the line to either side, where that is known. */
  #beside: { left?: Address | undefined; right?: Address | undefined } = { left: undefined, right: undefined }

  constructor(self: Address, maxNodes: number) {
    this.self = self
    this.maxNodes = maxNodes
    this.#tree = new Branches(self, maxNodes)
  }

  /** How many nodes are known, this one aside. */
  get size(): number {
    return this.#branches.size
  }

  knows(address: Address): boolean {
    return this.#branches.has(address)
  }

  /** All nodes that are known, in no order. */
  addresses(): IterableIterator<Address> {
    return this.#branches.keys()
  }

  /** The node nearest to this one of those with smaller addresses (left), or larger ones. */
  beside(side: Side): Address | undefined {
    if (side in this.#beside) return this.#beside[side]
    let nearest: Address | undefined
    for (const address of this.#branches.keys()) if (this.#sideOf(address) === side && this.#isNearer(address, nearest)) nearest = address
    this.#beside[side] = nearest
    return nearest
  }

  /** The nodes nearest on the ring, `count` clockwise and as many the other way. */
  nearest(count: number): Address[] {
    const after = new Ranking(count)
    const before = new Ranking(count)
    for (const address of this.#branches.keys()) {
      const distance = clockwise(this.self, address)
      after.add(address, distance)
      before.add(address, ringSize - distance)
    }
    return [...after.best, ...before.best]
  }

  /** Links on the way to a node; undefined where no way is known. */
  hopsTo(address: Address): number | undefined {
    const branch = this.#branches.get(address)
    return branch === undefined ? undefined : this.#tree.hops[branch]
  }

  /** The way from this node to another. */
  routeTo(address: Address): Route | undefined {
    const branch = this.#branches.get(address)
    if (branch === undefined) return undefined
    const { address: addresses, previous } = this.#tree
    this.#tree.crowdOf(branch).use(branch, this.#stamp++)
    const route: Address[] = []
    for (let at = branch; at !== none; at = previous[at] as Branch) route.push(addresses[at] as Address)
    return route.reverse()
  }

  /** All ways in short: their ends, how many links they have, and the first node on them. The shortest come first. */
  ways(): { readonly to: Address; readonly hops: number; readonly next: Address }[] {
    const { address, previous, hops } = this.#tree
    const firstOf = (branch: Branch): Address => {
      let first = branch
      while (previous[first] !== root) first = previous[first] as Branch
      return address[first] as Address
    }
    const ways = [...this.#branches.values()].map((branch) => ({ to: address[branch] as Address, hops: hops[branch] as number, next: firstOf(branch) }))
    return ways.sort((a, b) => a.hops - b.hops || a.to - b.to)
  }

  /** A link of this node came up. */
  addLink(neighbour: Address): void {
    this.learn([this.self, neighbour])
  }

  /** Learns the ways to all nodes of a route that begins at this node. Returns those that were not known before. */
  learn(route: Route): readonly Address[] {
    const tree = this.#tree
    const learned: Address[] = []
    let previous = root
    for (let at = 1; at < route.length; at++) {
      const address = route[at] as Address
      // A route that comes back to this node is of use only from there on.
      if (address === this.self) {
        previous = root
        continue
      }
      let branch = this.#branches.get(address)
      if (branch === undefined) {
        branch = this.#add(address, previous)
        learned.push(address)
      } else if ((tree.hops[branch] as number) > (tree.hops[previous] as number) + 1) {
        tree.leave(branch)
        tree.adopt(previous, branch)
      }
      tree.crowdOf(branch).touch(branch, this.#stamp++)
      previous = branch
    }
    if (learned.some((address) => this.#kept.has(address))) this.#keepLatest()
    this.#shrink()
    return learned.length === 0 ? learned : learned.filter((address) => this.#branches.has(address))
  }

  /** Holds exactly these nodes, whatever else is learned. */
  hold(addresses: Iterable<Address>): void {
    const before = [...this.#held]
    this.#held.clear()
    for (const address of addresses) this.#held.add(address)
    for (const address of new Set([...before, ...this.#held])) {
      const branch = this.#branches.get(address)
      if (branch !== undefined) this.#tree.hold(branch, this.#stays(address))
    }
  }

  /** This node itself has something to say to that one: ways to such nodes stay, the latest first, as long as they take no more than a quarter of the room. */
  keep(address: Address): void {
    const isKept = this.#kept.delete(address)
    this.#kept.add(address)
    if (!isKept) this.#keepLatest()
  }

  /** There is no such node, or no way to it. Returns whether it was known. */
  forget(address: Address): boolean {
    const branch = this.#branches.get(address)
    if (branch !== undefined) this.#remove(branch)
    return branch !== undefined
  }

  /**
   * A link is broken, in both directions: what lies behind it is forgotten, unless `via` names a neighbour that has a link to its far end.
   * Returns whether anything was forgotten.
   */
  forgetLink(a: Address, b: Address, via: (far: Address) => Address | undefined = () => undefined): boolean {
    return this.#cut(a, b, via) || this.#cut(b, a, via)
  }

  /**
   * The best node to send a packet to that is bound for `destination`: nearer to
   * it (clockwise) than `than`; of those that come about as near as any, the one
   * that the fewest links away. Undefined where none is nearer.
   */
  towards(destination: Address, than: number, isExcluded?: (address: Address) => boolean): Address | undefined {
    let nearest = than
    for (const address of this.#branches.keys()) {
      const distance = clockwise(address, destination)
      if (distance < nearest && isExcluded?.(address) !== true) nearest = distance
    }
    if (nearest === than) return undefined
    const enough = Math.min(than - 1, nearest * slack)
    let best: Address | undefined
    let bestHops = Infinity
    for (const branch of this.#branches.values()) {
      const [address, hops] = [this.#tree.address[branch] as Address, this.#tree.hops[branch] as number]
      const distance = clockwise(address, destination)
      if (distance > enough || isExcluded?.(address) === true) continue
      if (best !== undefined && (hops > bestHops || (hops === bestHops && distance >= clockwise(best, destination)))) continue
      best = address
      bestHops = hops
    }
    return best
  }

  /** The smallest address that is known and smaller than this node's. */
  smallest(): Address | undefined {
    let smallest = this.self
    for (const address of this.#branches.keys()) if (address < smallest) smallest = address
    return smallest === this.self ? undefined : smallest
  }

  #keepLatest(): void {
    let room = this.maxNodes * keptShare
    for (const address of [...this.#kept].reverse()) {
      const branch = this.#branches.get(address)
      room -= branch === undefined ? 1 : (this.#tree.hops[branch] as number)
      if (room < 0) this.#kept.delete(address)
      if (branch !== undefined) this.#tree.hold(branch, this.#stays(address))
    }
  }

  #stays(address: Address): boolean {
    return this.#held.has(address) || this.#kept.has(address)
  }

  #add(address: Address, previous: Branch): Branch {
    const branch = this.#tree.add(address, previous, this.#crowdAt(scaleOf(this.self, address)), this.#stays(address))
    this.#branches.set(address, branch)
    const side = this.#sideOf(address)
    if (side in this.#beside && this.#isNearer(address, this.#beside[side])) this.#beside[side] = address
    return branch
  }

  #crowdAt(scale: number): number {
    const known = this.#crowds.get(scale)
    if (known !== undefined) return known
    const crowd = this.#tree.crowds.push(new Crowd(this.#tree)) - 1
    this.#crowds.set(scale, crowd)
    return crowd
  }

  #cut(near: Address, far: Address, via: (far: Address) => Address | undefined): boolean {
    const branch = this.#branches.get(far)
    if (branch === undefined || this.#tree.address[this.#tree.previous[branch] as Branch] !== near) return false
    const neighbour = this.#branches.get(via(far) ?? this.self)
    if (neighbour === undefined || neighbour === branch || this.#tree.previous[neighbour] !== root) {
      this.#remove(branch)
      return true
    }
    this.#tree.leave(branch)
    this.#tree.adopt(neighbour, branch)
    return false
  }

  #remove(branch: Branch): void {
    const { address: addresses, firstChild, later } = this.#tree
    this.#tree.leave(branch)
    const gone = [branch]
    for (let one = gone.pop(); one !== undefined; one = gone.pop()) {
      const address = addresses[one] as Address
      this.#branches.delete(address)
      const side = this.#sideOf(address)
      if (this.#beside[side] === address) delete this.#beside[side]
      for (let child = firstChild[one] as Branch; child !== none; child = later[child] as Branch) gone.push(child)
      this.#tree.free(one)
    }
  }

  /** Forgets ends of ways until the bound is kept; links and held nodes may exceed it. */
  #shrink(): void {
    while (this.#branches.size > this.maxNodes) {
      const least = this.#leastUseful()
      if (least === none) return
      this.#remove(least)
    }
  }

  /**
   * Of what was only overheard, then of the rest, the one that has not come up for longest: where there are more than a fair
   * share, if that is so anywhere.
   */
  #leastUseful(): Branch {
    const { crowds } = this.#tree
    const share = this.maxNodes / (2 * crowds.length)
    let best = none
    let spare = none
    for (const { size, least } of crowds) {
      if (least === none) continue
      if (size > share && this.#isLess(least, best)) best = least
      if (this.#isLess(least, spare)) spare = least
    }
    return best === none ? spare : best
  }

  #isLess(a: Branch, b: Branch): boolean {
    const { isUsed, stamp } = this.#tree
    if (b === none || isUsed[a] !== isUsed[b]) return b === none || isUsed[b] === 1
    return (stamp[a] as number) < (stamp[b] as number)
  }

  #sideOf(address: Address): Side {
    return address < this.self ? "left" : "right"
  }

  #isNearer(address: Address, than: Address | undefined): boolean {
    return than === undefined || Math.abs(address - this.self) < Math.abs(than - this.self)
  }
}

/** Of the room, for ways to those that this node itself talks to. */
const keptShare = 1 / 4

/** The few with the least rank. */
class Ranking {
  readonly best: Address[] = []
  readonly #ranks: number[] = []
  readonly #count: number

  constructor(count: number) {
    this.#count = count
  }

  add(address: Address, rank: number): void {
    const ranks = this.#ranks
    if (ranks.length === this.#count && rank > (ranks.at(-1) as number)) return
    const place = ranks.findIndex((other) => other > rank)
    const at = place === -1 ? ranks.length : place
    ranks.splice(at, 0, rank)
    this.best.splice(at, 0, address)
    if (ranks.length <= this.#count) return
    ranks.pop()
    this.best.pop()
  }
}

/** A node counts as about as near as the nearest up to so many times its distance. */
const slack = 2

function scaleOf(self: Address, address: Address): number {
  const distance = clockwise(self, address)
  return distance <= ringSize / 2 ? Math.ceil(Math.log2(distance)) : -Math.ceil(Math.log2(ringSize - distance))
}
