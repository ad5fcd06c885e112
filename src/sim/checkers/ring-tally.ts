/**
 * Zave's invariant (`zave.ts`), kept up to date change by change, so that it can
 * be asked after every event of a large overlay: a change of one list costs
 * what that list is long.
 */

/** See the head of this file. Identifiers are texts of one length, ordered like the numbers they stand for. */
export class RingTally {
  readonly #lists = new Map<string, readonly string[]>()
  /** The live members in the order of the ring. */
  readonly #order: string[] = []
  /** How many adjacent pairs, of all extended lists, skip each live member. */
  readonly #skips = new Map<string, number>()
  readonly #starving = new Set<string>()
  #principals = 0

  get size(): number {
    return this.#order.length
  }

  /** Members that no pair skips over. */
  get principals(): number {
    return this.#principals
  }

  /** Members that list no live successor, themselves not being alone. */
  get starving(): number {
    return this.#starving.size
  }

  /** The live members and their lists, in the order of the ring. */
  *members(): Generator<readonly [id: string, successors: readonly string[]]> {
    for (const id of this.#order) yield [id, this.#lists.get(id) ?? []]
  }

  /** A member's list has become this one; `undefined`: it is no member any more. */
  set(id: string, successors: readonly string[] | undefined): void {
    const before = this.#lists.get(id)
    if (before !== undefined) this.#count(id, before, -1)
    if (successors === undefined) {
      if (before !== undefined) this.#remove(id)
      return
    }
    if (before === undefined) this.#insert(id)
    this.#lists.set(id, successors)
    this.#count(id, successors, 1)
    if (before === undefined) this.#judgeAll()
    else this.#judge(id, successors)
  }

  #insert(id: string): void {
    this.#order.splice(this.#positionOf(id), 0, id)
    let skips = 0
    for (const [from, to] of this.#allPairs()) if (liesBetween(from, id, to)) skips++
    this.#skips.set(id, skips)
    if (skips === 0) this.#principals++
  }

  #remove(id: string): void {
    this.#order.splice(this.#positionOf(id), 1)
    if (this.#skips.get(id) === 0) this.#principals--
    this.#skips.delete(id)
    this.#lists.delete(id)
    this.#starving.delete(id)
    this.#judgeAll()
  }

  *#allPairs(): Generator<readonly [string, string]> {
    for (const [id, successors] of this.#lists) yield* pairsOf(id, successors)
  }

  /** Counts the pairs of one list in or out. */
  #count(id: string, successors: readonly string[], by: 1 | -1): void {
    for (const [from, to] of pairsOf(id, successors)) {
      const first = this.#positionOf(from) + (this.#skips.has(from) ? 1 : 0)
      for (let step = 0; step < this.#order.length; step++) {
        const skipped = this.#order[(first + step) % this.#order.length] ?? ""
        if (!liesBetween(from, skipped, to)) break
        this.#skip(skipped, by)
      }
    }
  }

  #skip(id: string, by: 1 | -1): void {
    const before = this.#skips.get(id) ?? 0
    this.#skips.set(id, before + by)
    if (before === 0) this.#principals--
    else if (before + by === 0) this.#principals++
  }

  #judgeAll(): void {
    for (const [id, successors] of this.#lists) this.#judge(id, successors)
  }

  #judge(id: string, successors: readonly string[]): void {
    if (this.size > 1 && !successors.some((other) => this.#lists.has(other))) this.#starving.add(id)
    else this.#starving.delete(id)
  }

  /** Where the identifier stands in the order, or would stand. */
  #positionOf(id: string): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#order[middle] ?? "") < id) low = middle + 1
      else high = middle
    }
    return low
  }
}

function pairsOf(id: string, successors: readonly string[]): (readonly [string, string])[] {
  return successors.map((next, index) => [successors[index - 1] ?? id, next] as const)
}

/** Strictly between, clockwise; all but `from` where both ends are the same. */
function liesBetween(from: string, id: string, to: string): boolean {
  if (from === to) return id !== from
  return from < to ? from < id && id < to : id > from || id < to
}
