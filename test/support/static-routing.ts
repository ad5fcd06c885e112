/**
 * Key-based routing without a protocol: a directory tells every peer who is
 * there, each a little later than the others. The owner of a key is the next
 * peer clockwise. For testing what stands on top of routing.
 */
import type { Id } from "../../src/overlay/id.ts"
import { isBetweenOrAt } from "../../src/overlay/id.ts"
import type { KeyBasedRouting, KeyRange, Member, RoutingChange } from "../../src/overlay/key-based-routing.ts"
import type { RoutingFactory } from "../../src/overlay/overlay-options.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"

export interface DirectoryOptions {
  /** The longest time until a peer hears of a change. @default 150 */
  readonly maxDelayMs?: number
  /** Peers on either side that count as neighbours. @default 3 */
  readonly reach?: number
}

/** Who is there: one for each simulated world. */
export class Directory {
  readonly options: Required<DirectoryOptions>
  readonly peers = new Map<PeerId, StaticRouting>()
  /** Whether two peers can hear of each other. */
  #areTogether: (a: PeerId, b: PeerId) => boolean = () => true

  constructor(options: DirectoryOptions = {}) {
    this.options = { maxDelayMs: 150, reach: 3, ...options }
  }

  readonly create: RoutingFactory = ({ runtime, self }) => new StaticRouting(this, runtime, self)

  /** A peer that died: the others find out when they suspect it, or by themselves after a while. */
  crash(peerId: PeerId): void {
    this.peers.delete(peerId)
    for (const peer of this.peers.values()) void peer.hear(3_000)
  }

  /** Parts the peers, or unites them again; each hears of it a little later. */
  partition(areTogether: (a: PeerId, b: PeerId) => boolean): void {
    this.#areTogether = areTogether
    for (const peer of this.peers.values()) void peer.hear(this.options.maxDelayMs)
  }

  visibleTo(peerId: PeerId): Member[] {
    return [...this.peers.values()]
      .filter((peer) => this.#areTogether(peerId, peer.self.peerId))
      .map((peer) => peer.self)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }
}

const noRanges: readonly KeyRange[] = []

/** See the head of this file. */
export class StaticRouting implements KeyBasedRouting {
  readonly self: Member
  readonly #directory: Directory
  readonly #runtime: Runtime
  readonly #listeners = new Set<(change: RoutingChange) => void>()
  /** All members in sight, this peer included, in the order of their ids. */
  #view: readonly Member[]
  #ranges: readonly KeyRange[] = noRanges
  #neighbours: readonly Member[] = []
  #isMember = false

  constructor(directory: Directory, runtime: Runtime, self: Member) {
    this.#directory = directory
    this.#runtime = runtime
    this.self = self
    this.#view = [self]
  }

  async join(): Promise<void> {
    const { peers, options } = this.#directory
    peers.set(this.self.peerId, this)
    // The neighbours give up their share before this peer takes it.
    await Promise.all([...peers.values()].filter((peer) => peer !== this).map((peer) => peer.hear(options.maxDelayMs)))
    this.#isMember = true
    this.#look()
  }

  async leave(): Promise<void> {
    this.#directory.peers.delete(this.self.peerId)
    this.#isMember = false
    this.#look()
    for (const peer of this.#directory.peers.values()) void peer.hear(this.#directory.options.maxDelayMs)
  }

  stop(): void {
    if (this.#directory.peers.get(this.self.peerId) === this) this.#directory.peers.delete(this.self.peerId)
    this.#listeners.clear()
  }

  /** Looks at the directory at some moment within `withinMs`. */
  hear(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        this.#look()
        resolve()
      }
      this.#runtime.setTimer(this.#runtime.random.float() * withinMs, look)
    })
  }

  #look(): void {
    this.#view = this.#isMember ? this.#directory.visibleTo(this.self.peerId) : this.#view.filter((member) => member.peerId !== this.self.peerId)
    const at = this.#view.findIndex((member) => member.peerId === this.self.peerId)
    const before = this.#view.at(at - 1)
    this.#ranges = this.#isMember && before !== undefined ? [{ from: before.id, to: this.self.id }] : noRanges
    const { reach } = this.#directory.options
    const around = this.#isMember ? Array.from({ length: 2 * reach + 1 }, (_, i) => this.#view.at((at - reach + i) % this.#view.length)) : []
    this.#neighbours = [...new Set(around)].filter((member) => member !== undefined).filter((member) => member.peerId !== this.self.peerId)
    for (const listener of this.#listeners) listener({ name: "neighbourhood" })
  }

  isResponsible(key: Id): boolean {
    return this.#ranges.some((range) => isBetweenOrAt(range.from, key, range.to))
  }

  ranges(): readonly KeyRange[] {
    return this.#ranges
  }

  nextHop(key: Id, excluded?: ReadonlySet<PeerId>): Member | undefined {
    if (this.isResponsible(key)) return undefined
    return this.#clockwise(key).find((member) => member.peerId !== this.self.peerId && excluded?.has(member.peerId) !== true)
  }

  replicaSet(key: Id, count: number): readonly Member[] {
    return this.#clockwise(key).slice(0, count)
  }

  neighbours(): readonly Member[] {
    return this.#neighbours
  }

  suspect(): void {
    void this.hear(this.#directory.options.maxDelayMs)
  }

  onChange(listener: (change: RoutingChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  describe(): ReturnType<KeyBasedRouting["describe"]> {
    return { peersKnown: this.#view.length - 1, neighbours: { around: this.#neighbours } }
  }

  #clockwise(key: Id): Member[] {
    const first = this.#view.findIndex((member) => member.id >= key)
    return first < 0 ? [...this.#view] : [...this.#view.slice(first), ...this.#view.slice(0, first)]
  }
}
