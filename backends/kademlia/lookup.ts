/**
 * The iterative look-up: asks the closest known peers for closer ones, `alpha`
 * at a time, until the k closest have answered (section 2.3 of the paper).
 *
 * With several paths no peer is asked on more than one of them, so that a lying
 * peer can mislead only its own (S/Kademlia: Baumgart and Mies, 2007).
 */
import type { ErrorCode } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import { Shortlist } from "./shortlist.ts"
import { closestOf } from "./xor.ts"

export interface LookupSettings {
  /** How many of the closest are looked for. */
  readonly k: number
  /** Questions under way at once, on all paths together; each path has at least one. */
  readonly alpha: number
  readonly disjointPaths: number
}

export interface LookupComponents {
  readonly self: Id
  /** Asks a peer for the members that it knows to be closest to the key. */
  readonly ask: (member: Member, key: Id) => Promise<Outcome<readonly Member[]>>
  readonly signal?: AbortSignal | undefined
}

export interface LookupResult {
  /** Up to k peers that answered, closest first. */
  readonly closest: readonly Member[]
  /** Why the others did not. */
  readonly failures: ReadonlyMap<PeerId, ErrorCode>
}

/** See the head of this file. The peer itself is never part of the result. */
export async function lookUp(
  components: LookupComponents,
  key: Id,
  starts: readonly Member[],
  settings: LookupSettings,
): Promise<LookupResult> {
  const lookup = new Lookup(components, key, settings)
  const paths = Math.max(1, Math.min(settings.disjointPaths, starts.length))
  const width = Math.max(1, Math.floor(settings.alpha / paths))
  const parts = Array.from({ length: paths }, (_, path) => starts.filter((_start, at) => at % paths === path))
  const found = await Promise.all(parts.map((part) => lookup.follow(part, width)))
  return { closest: closestOf(key, found.flat(), settings.k), failures: lookup.failures }
}

class Lookup {
  readonly failures = new Map<PeerId, ErrorCode>()
  readonly #components: LookupComponents
  readonly #key: Id
  readonly #settings: LookupSettings
  /** On whatever path. */
  readonly #asked = new Set<PeerId>()

  constructor(components: LookupComponents, key: Id, settings: LookupSettings) {
    this.#components = components
    this.#key = key
    this.#settings = settings
  }

  /** One path. Results in those of its k closest that answered. */
  async follow(starts: readonly Member[], width: number): Promise<Member[]> {
    const { self, signal } = this.#components
    const list = new Shortlist(this.#key, this.#settings.k)
    const answered = new Set<PeerId>()
    const add = (members: readonly Member[]): void => list.add(members.filter(({ id }) => id !== self))
    add(starts)
    const underWay = new Set<Promise<void>>()
    for (;;) {
      while (underWay.size < width && signal?.aborted !== true) {
        const member = list.next()
        if (member === undefined) break
        if (this.#asked.has(member.peerId)) continue
        this.#asked.add(member.peerId)
        const step = this.#ask(member).then((closer) => {
          underWay.delete(step)
          if (closer === undefined) return list.fail(member)
          answered.add(member.peerId)
          add(closer)
        })
        underWay.add(step)
      }
      if (underWay.size === 0) return list.members.filter(({ peerId }) => answered.has(peerId))
      await Promise.race(underWay)
    }
  }

  async #ask(member: Member): Promise<readonly Member[] | undefined> {
    const outcome = await this.#components.ask(member, this.#key)
    if (outcome.kind === "answered") return outcome.answer
    this.failures.set(member.peerId, outcome.kind === "dead" ? outcome.code : "P2PSIP_NOT_OPEN")
    return undefined
  }
}
