/** Iterative search for the member directly before a key. */
import type { ErrorCode } from "../../src/errors.ts"
import { P2PSipError } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import { isBetween } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Told } from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"

/** Members asked in one search, at most. */
const maxQuestions = 96

export interface Place {
  readonly member: Member
  readonly told: Told
}

export interface SearchOptions {
  readonly isJoining: boolean
  readonly signal?: AbortSignal
}

/** How a search ended, with the place or without one, and who failed to answer on the way. */
export type SearchResult = { readonly failures: ReadonlyMap<PeerId, ErrorCode> } & (
  | { readonly kind: "found"; readonly place: Place }
  | { readonly kind: "failed" }
)

/** Asks `starts`, then whoever they name, always the closest to the key first. */
export async function findPlace(
  client: NeighbourClient,
  key: Id,
  starts: readonly Member[],
  options: SearchOptions,
): Promise<SearchResult> {
  const { isJoining, signal } = options
  const failures = new Map<PeerId, ErrorCode>()
  const known = new Map(starts.map((member) => [member.id, member]))
  const asked = new Set<Id>()
  for (let question = 0; question < maxQuestions; question++) {
    if (signal?.aborted === true) throw new P2PSipError("P2PSIP_ABORTED", "the search for a place on the ring was aborted")
    const member = closest(known.values(), key, asked)
    if (member === undefined) break
    asked.add(member.id)
    const outcome = await client.find(member, { key, isJoining })
    if (outcome.kind === "dead") failures.set(member.peerId, outcome.code)
    if (outcome.kind !== "answered") continue
    if (outcome.answer.kind === "place") return { kind: "found", place: { member, told: outcome.answer.told }, failures }
    for (const named of outcome.answer.members) known.set(named.id, known.get(named.id) ?? named)
  }
  return { kind: "failed", failures }
}

/** The member that precedes the key most closely, of those not asked yet. */
function closest(members: Iterable<Member>, key: Id, asked: ReadonlySet<Id>): Member | undefined {
  let best: Member | undefined
  for (const member of members) {
    if (asked.has(member.id)) continue
    if (best === undefined || isBetween(best.id, member.id, key)) best = member
  }
  return best
}
