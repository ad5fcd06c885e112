/**
 * What a peer remembers of the lists that it has exchanged with others, so that
 * an announcement that says nothing new is a digest, and its answer empty.
 *
 * Lists are those of members that the announcer need not be told of. Whoever
 * has forgotten one asks for it; so forgetting costs a frame, and nothing else.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"

/** Peers whose lists are remembered: more than list this peer, as a rule. */
const maxPeers = 128

/** What a peer has announced of itself. */
export interface HeardList {
  readonly digest: string
  readonly member: Member
  readonly known: ReadonlySet<string>
  /** The state of this peer's own lists in which it had nothing to add. */
  quietAt: number | undefined
}

/** See the head of this file. */
export class ToldLists {
  readonly #heard = new Map<PeerId, HeardList>()
  readonly #told = new Map<PeerId, string>()

  /** The list that a peer means by a digest, if it is still known here. */
  recall(peerId: PeerId, digest: string): HeardList | undefined {
    const heard = this.#heard.get(peerId)
    return heard?.digest === digest ? heard : undefined
  }

  remember(digest: string, member: Member, known: readonly string[]): HeardList {
    const heard: HeardList = { digest, member, known: new Set(known), quietAt: undefined }
    setBounded(this.#heard, member.peerId, heard)
    return heard
  }

  /** Whether a peer has confirmed to know what this digest means. */
  isTold({ peerId }: Member, digest: string): boolean {
    return this.#told.get(peerId) === digest
  }

  confirm({ peerId }: Member, digest: string): void {
    setBounded(this.#told, peerId, digest)
  }

  /** A peer is gone, or says that it does not know. */
  forget({ peerId }: Member): void {
    this.#heard.delete(peerId)
    this.#told.delete(peerId)
  }
}

function setBounded<T>(map: Map<PeerId, T>, peerId: PeerId, value: T): void {
  // The one that was not heard for longest goes.
  map.delete(peerId)
  map.set(peerId, value)
  const oldest = map.keys().next().value
  if (map.size > maxPeers && oldest !== undefined) map.delete(oldest)
}

/** 16 digits that tell one announcer's lists and addresses apart; FNV-1a, twice. */
export function digestOf({ addresses }: Member, known: readonly string[]): string {
  let [high, low] = [0x811c9dc5, 0x01000193]
  for (const text of [...addresses, ...known]) {
    for (let at = 0; at <= text.length; at++) {
      const code = at < text.length ? text.charCodeAt(at) : 0x2c
      high = Math.imul(high ^ code, 0x01000193)
      low = Math.imul(low ^ code, 0x0100_0fd3) + at
    }
  }
  return hex(high) + hex(low)
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0")
}
