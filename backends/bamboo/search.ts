/** Iterative search for the member that is closest to a key. */
import type { ErrorCode } from "../../src/errors.ts"
import { P2PSipError } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import type { FindAnswer, Named } from "./messages.ts"
import { closestOf } from "./ring-distance.ts"

/** Members asked in one search, at most. */
const maxQuestions = 64

/** How a search ended: at the root, with whom that names, or nowhere after these failures. */
export type SearchResult =
  | { readonly kind: "found"; readonly root: Member; readonly named: readonly Named[] }
  | { readonly kind: "failed"; readonly failures: ReadonlyMap<PeerId, ErrorCode> }

/** Asks `starts`, then whoever they name, always the closest to the key first. */
export async function findRoot(
  ask: (member: Member) => Promise<Outcome<FindAnswer>>,
  key: Id,
  starts: readonly Member[],
  signal?: AbortSignal,
): Promise<SearchResult> {
  const failures = new Map<PeerId, ErrorCode>()
  const unasked = new Map(starts.map((member) => [member.id, member]))
  const asked = new Set<Id>()
  for (let question = 0; question < maxQuestions; question++) {
    if (signal?.aborted === true) throw new P2PSipError("P2PSIP_ABORTED", "the search for the root of a key was aborted")
    const [member] = closestOf(key, unasked.values(), 1)
    if (member === undefined) break
    asked.add(member.id)
    unasked.delete(member.id)
    const outcome = await ask(member)
    if (outcome.kind === "dead") failures.set(member.peerId, outcome.code)
    if (outcome.kind !== "answered") continue
    const { isRoot, named } = outcome.answer
    if (isRoot) return { kind: "found", root: member, named }
    for (const { member: other } of named) if (!asked.has(other.id)) unasked.set(other.id, other)
  }
  return { kind: "failed", failures }
}
