/**
 * What a member does routinely, with jitter: exchanges with siblings, and
 * refreshes of buckets.
 */
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { Acquaintances } from "./acquaintances.ts"
import type { KademliaSettings } from "./options.ts"
import type { Siblings } from "./siblings.ts"
import { commonPrefixBits, randomIdInBucket } from "./xor.ts"

export interface UpkeepComponents {
  readonly runtime: Runtime
  readonly siblings: Siblings
  readonly acquaintances: Acquaintances
  readonly membership: Membership
  readonly self: () => Member
}

/** Between the first refreshments, after the join. */
const fillMs = 200
/** The closest siblings are watched by every exchange; of the others, one. */
const closestWatched = 2
const maxWatched = 4

/** See the head of this file. */
export class Upkeep {
  readonly #components: UpkeepComponents
  readonly #settings: KademliaSettings
  /** When each bucket was last looked after: at most one entry for each bit of an id. */
  readonly #refreshedAt = new Map<number, number>()
  #exchangeMs = 0
  #exchangeTimer: Timer | undefined
  #refreshTimer: Timer | undefined

  constructor(components: UpkeepComponents, settings: KademliaSettings) {
    this.#components = components
    this.#settings = settings
  }

  start(): void {
    this.#exchangeMs = this.#settings.minExchangeMs
    this.#scheduleExchange()
    this.#scheduleRefresh(fillMs)
    // Those that did not have to hear of us before we could answer.
    this.tellAll()
  }

  tellAll(): void {
    for (const member of this.#components.siblings.members) void this.#components.acquaintances.announce(member)
  }

  stop(): void {
    this.#exchangeTimer?.cancel()
    this.#refreshTimer?.cancel()
  }

  /** Something changed nearby: look more often for a while. */
  hasten(): void {
    if (this.#exchangeTimer === undefined || this.#exchangeMs === this.#settings.minExchangeMs) return
    this.#exchangeMs = this.#settings.minExchangeMs
    this.#exchangeTimer.cancel()
    this.#scheduleExchange()
  }

  #scheduleExchange(): void {
    const { runtime, siblings, acquaintances } = this.#components
    this.#exchangeTimer = runtime.setTimer(this.#exchangeMs * (0.75 + runtime.random.float() / 2), () => {
      if (siblings.presence !== "active") return
      for (const member of this.#watched()) void acquaintances.announce(member)
      this.#exchangeMs = Math.min(1.5 * this.#exchangeMs, this.#settings.maxExchangeMs)
      this.#scheduleExchange()
    })
  }

  #watched(): Set<Member> {
    const { siblings, runtime } = this.#components
    const watched = new Set(siblings.nearest(closestWatched).slice(0, maxWatched))
    const any = siblings.members[runtime.random.uint32() % Math.max(1, siblings.members.length)]
    if (any !== undefined) watched.add(any)
    return watched
  }

  #scheduleRefresh(delayMs: number): void {
    const { runtime, siblings } = this.#components
    this.#refreshTimer = runtime.setTimer(delayMs * (0.5 + runtime.random.float()), () => {
      if (siblings.presence !== "active") return
      void this.#refreshOne().then((wasStale) => {
        if (siblings.presence === "active") this.#scheduleRefresh(wasStale ? fillMs : this.#settings.refreshMs / 20)
      })
    })
  }

  /** Looks for somebody in the farthest bucket that is empty, or has been silent for long. False if there is none. */
  async #refreshOne(): Promise<boolean> {
    const { runtime, siblings, acquaintances, membership, self } = this.#components
    const { id } = self()
    const farthest = siblings.members.at(-1)
    // While the table names everybody, buckets would only repeat it; and siblings look after what is near.
    if (membership.isComplete || farthest === undefined || !siblings.isFull) return false
    for (let bits = 0; bits < commonPrefixBits(id, farthest.id); bits++) {
      const lastAt = Math.max(this.#refreshedAt.get(bits) ?? -Infinity, acquaintances.contacts.heardAt(bits) ?? -Infinity)
      if (runtime.now() - lastAt < this.#settings.refreshMs) continue
      this.#refreshedAt.set(bits, runtime.now())
      await acquaintances.lookUp(randomIdInBucket(id, bits, runtime.random))
      return true
    }
    return false
  }
}
