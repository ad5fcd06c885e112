/**
 * The invariant of a Chord ring, judged from outside.
 *
 * Pamela Zave, "Reasoning about Identifier Spaces: How to Make Chord Correct"
 * (2016): with successor lists of length r, every member lists a live
 * successor, and there are at least r+1 principals. Together they imply one
 * ordered ring which every member reaches. It must hold after every event, not
 * only in the end; what holds in the end is {@link findRingDefects}.
 *
 * The checker shares no code with the protocol that it judges.
 */

/** A live member's state, by identifiers: texts of one length, ordered like the numbers they stand for. */
export interface RingMember {
  readonly id: string
  readonly predecessor: string
  /** Clockwise; shorter than r stands for a list padded with identifiers that nobody has. */
  readonly successors: readonly string[]
}

/** Violations of the invariant, in words; none when it holds. `r` is the length of successor lists. */
export function findInvariantViolations(members: readonly RingMember[], r: number): string[] {
  const live = new Set(members.map(({ id }) => id))
  const violations = members
    .filter(({ successors }) => members.length > 1 && !successors.some((id) => live.has(id)))
    .map(({ id, successors }) => `${id} lists no live successor: [${successors.join(" ")}]`)
  const principals = findPrincipals(members)
  // An overlay of r members or fewer has no r+1 principals to show: then all have to be.
  const needed = Math.min(r + 1, members.length)
  if (principals.length < needed) {
    violations.push(`${principals.length} principals [${principals.join(" ")}], expected at least ${needed}`)
  }
  return violations
}

/** Members that no adjacent pair of any member's extended successor list (itself, then its list) skips over. */
export function findPrincipals(members: readonly RingMember[]): string[] {
  const pairs = members.flatMap(({ id, successors }) => successors.map((next, index) => [successors[index - 1] ?? id, next] as const))
  return members.map(({ id }) => id).filter((id) => !pairs.some(([from, to]) => liesBetween(from, id, to)))
}

/**
 * What keeps the best successors (the first live one of each member's list) from
 * forming one ordered ring with everybody on it or leading to it: the state
 * that Zave calls valid. Her invariant implies it; overlays of r members or
 * fewer have only this to show.
 */
export function findShapeDefects(members: readonly Pick<RingMember, "id" | "successors">[]): string[] {
  const lists = new Map(members.map(({ id, successors }) => [id, successors]))
  const best = (id: string): string => lists.get(id)?.find((other) => lists.has(other)) ?? id
  const rings = new Map<string, string[]>()
  const ringOf = new Map<string, string>()
  for (const { id } of members) {
    const path: string[] = []
    let at = id
    while (!ringOf.has(at) && !path.includes(at)) {
      path.push(at)
      at = best(at)
    }
    const ring = ringOf.get(at) ?? at
    if (!rings.has(ring)) rings.set(ring, path.slice(path.indexOf(at)))
    for (const passed of path) ringOf.set(passed, ring)
  }
  const texts = [...rings.values()].map((ring) => `[${ring.join(" ")}]`)
  const defects = rings.size > 1 ? [`${rings.size} rings: ${texts.join(" ")}`] : []
  for (const ring of rings.values()) {
    const turns = ring.filter((id, index) => (ring[index + 1] ?? ring[0] ?? id) <= id).length
    if (turns > 1) defects.push(`a ring that goes round ${turns} times: [${ring.join(" ")}]`)
  }
  return defects
}

/** What keeps the members from being one perfect ring with exact lists; none when it is stable. */
export function findRingDefects(members: readonly RingMember[], r: number): string[] {
  const order = members.map(({ id }) => id).sort()
  const places = new Map(order.map((id, at) => [id, at]))
  const count = order.length
  return members.flatMap(({ id, predecessor, successors }) => {
    const at = places.get(id) ?? 0
    const expected = Array.from({ length: Math.min(r, count - 1) }, (_, step) => order[(at + 1 + step) % count])
    const before = order[(at + count - 1) % count]
    const defects: string[] = []
    if (successors.join() !== expected.join()) {
      defects.push(`${id} has the successors [${successors.join(" ")}], expected [${expected.join(" ")}]`)
    }
    if (predecessor !== before) defects.push(`${id} has the predecessor ${predecessor}, expected ${before}`)
    return defects
  })
}

/** Strictly between, clockwise; all but `from` where both ends are the same. */
function liesBetween(from: string, id: string, to: string): boolean {
  if (from === to) return id !== from
  return from < to ? from < id && id < to : id > from || id < to
}
