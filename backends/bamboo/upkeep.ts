/**
 * What a member does routinely, with jitter: exchanges of leaf sets, local and
 * global tuning of the prefix table. Periods do not shorten when peers die: recovery that reacts
 * to failures feeds on itself under churn (Rhea, Geels, Roscoe and Kubiatowicz,
 * "Handling Churn in a DHT", 2004).
 */
import type { FailureWatch } from "../../src/overlay/failure-watch.ts"
import type { Formation } from "../../src/overlay/formation.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { Acquaintances } from "./acquaintances.ts"
import { isWhole } from "./leaf-set.ts"
import type { Named } from "./messages.ts"
import type { Knowledge } from "./next-hop.ts"
import { hopsTowards } from "./next-hop.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { BambooSettings } from "./options.ts"
import { idDigits, randomIdWithPrefix, sharedDigits } from "./ring-distance.ts"
import { findRoot } from "./search.ts"
import type { Surroundings } from "./surroundings.ts"

export interface UpkeepComponents {
  readonly runtime: Runtime
  readonly client: NeighbourClient
  readonly surroundings: Surroundings
  readonly acquaintances: Acquaintances
  readonly membership: Membership
  readonly failures: FailureWatch
  readonly knowledge: () => Knowledge | undefined
  readonly self: () => Member
}

/** Between the first tunings, after the join, until each missing prefix was looked for once. */
const fillMs = 200
/** Members that are measured for one tuning. */
const maxMeasured = 4
/** How far off a member counts before it was measured. */
const unmeasuredMs = 10_000
/** Members of the prefix table that are pinged with each exchange of leaf sets, while the overlay is lively. */
const watchedAtOnce = 6

/** See the head of this file. */
export class Upkeep {
  readonly #components: UpkeepComponents
  readonly #settings: BambooSettings
  readonly #timers = new Map<string, Timer>()
  /** Prefixes that were looked for, since all of them last were. */
  readonly #lookedFor = new Set<string>()
  #isFilled = false
  /** Rows that were asked for, first of all, in a lively overlay. */
  #rowsAsked = 0
  #watched = 0

  constructor(components: UpkeepComponents, settings: BambooSettings) {
    this.#components = components
    this.#settings = settings
  }

  start(): void {
    const { leafExchangeMs, localTuningMs, globalTuningMs } = this.#settings
    this.#repeat("leaf", () => leafExchangeMs, () => {
      this.#weighMembership()
      return this.#exchangeLeaves()
    })
    this.#repeat("local", () => localTuningMs, () => this.#tuneLocally())
    this.#repeat("global", () => (this.#isFilled ? globalTuningMs : fillMs), () => this.#tuneGlobally())
  }

  /** Takes a random founder for each prefix; tuning looks for nearer ones. */
  fill(formation: Formation): void {
    const { runtime, acquaintances, self } = this.#components
    const { id } = self()
    for (const { row, column } of acquaintances.prefixes.emptySlots(this.#rows())) {
      const prefix = id.slice(0, row) + column.toString(16)
      for (const place of [randomIdWithPrefix(prefix, runtime.random), prefix.padEnd(idDigits, "0")]) {
        const member = formation.members[formation.indexOf(place)]
        if (member?.id.startsWith(prefix) === true) acquaintances.prefixes.offer(member, unmeasuredMs)
      }
    }
    this.#isFilled = true
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
  }

  #repeat(name: string, intervalMs: () => number, act: () => Promise<void>): void {
    const { runtime, surroundings } = this.#components
    const timer = runtime.setTimer(intervalMs() * (0.75 + runtime.random.float() / 2), () => {
      void act().finally(() => {
        if (surroundings.place !== undefined) this.#repeat(name, intervalMs, act)
      })
    })
    this.#timers.set(name, timer)
  }

  /** Push and pull with one leaf at random, so that news spreads; and with the next one, so that everybody is watched. */
  async #exchangeLeaves(): Promise<void> {
    const { runtime, surroundings, acquaintances, membership } = this.#components
    const { leaves, place } = surroundings
    const [next] = place?.leaves.after ?? []
    const random = leaves[runtime.random.uint32() % Math.max(1, leaves.length)]
    // In a lively overlay lists differ all the time: there it is enough to see that the next one lives.
    if (membership.isResting) this.#watch(next)
    const chosen = membership.isResting ? [random] : [next, random]
    for (const leaf of new Set(chosen)) if (leaf !== undefined) void acquaintances.exchange(leaf)
  }

  /** Pings a leaf and, in their turn, members of the prefix table: it is cheap, and one who is dead costs a look-up its time. */
  #watch(leaf: Member | undefined): void {
    const { acquaintances } = this.#components
    const { members } = acquaintances.prefixes
    if (leaf !== undefined) acquaintances.suspect(leaf.peerId)
    for (let count = Math.min(members.length, watchedAtOnce); count > 0; count--) {
      const member = members[this.#watched++ % members.length]
      if (member !== undefined) acquaintances.suspect(member.peerId, "others")
    }
  }

  /** Is the overlay calm enough for a table of all members? */
  #weighMembership(): void {
    const { runtime, surroundings, acquaintances, membership, failures } = this.#components
    const wasResting = membership.isResting
    membership.weigh(surroundings.estimateSize(), failures.mostFailuresPerSecond(runtime.now()), surroundings.leaves[0])
    if (wasResting || !membership.isResting) return
    // While the table of all members is still there: tuning looks for nearer ones.
    for (const member of membership.table.alive) acquaintances.prefixes.offer(member, unmeasuredMs)
  }

  /** Asks a member of the table for its row of that number, and takes what is missing or nearer. */
  async #tuneLocally(): Promise<void> {
    const { runtime, client, acquaintances, self } = this.#components
    const { members } = acquaintances.prefixes
    const member = members[runtime.random.uint32() % Math.max(1, members.length)]
    if (member === undefined || this.#isTableIdle) return
    const row = sharedDigits(self().id, member.id)
    const outcome = await client.row(member, row)
    if (outcome.kind === "dead") acquaintances.suspect(member.peerId)
    if (outcome.kind === "answered") await this.#measure(outcome.answer)
  }

  /** A leaf with as many first digits may have the same members in that row: all at once, where a look-up finds one. */
  async #askForRow(row: number): Promise<void> {
    const { runtime, client, surroundings, self } = this.#components
    const alike = surroundings.leaves.filter(({ id }) => sharedDigits(self().id, id) >= row)
    const leaf = alike[runtime.random.uint32() % Math.max(1, alike.length)]
    const outcome = leaf && (await client.row(leaf, row))
    if (outcome?.kind === "answered") await this.#measure(outcome.answer, outcome.answer.length)
  }

  /** Looks a random id up that has a prefix which is missing in the table. */
  async #tuneGlobally(): Promise<void> {
    const { runtime, acquaintances, membership, self, knowledge } = this.#components
    const { id } = self()
    const known = knowledge()
    if (known === undefined || this.#isTableIdle) return
    if (membership.isResting && this.#rowsAsked < this.#rows()) return this.#askForRow(this.#rowsAsked++)
    const missing = acquaintances.prefixes.emptySlots(this.#rows()).map(({ row, column }) => id.slice(0, row) + column.toString(16))
    const untried = missing.filter((prefix) => !this.#lookedFor.has(prefix))
    if (untried.length === 0) {
      this.#isFilled = true
      this.#lookedFor.clear()
    }
    const choice = untried.length > 0 ? untried : missing
    const prefix = choice[runtime.random.uint32() % Math.max(1, choice.length)]
    if (prefix === undefined) return
    this.#lookedFor.add(prefix)
    const key = randomIdWithPrefix(prefix, runtime.random)
    const starts = hopsTowards(known, key, new Set(), 3)
    const result = await findRoot((member) => acquaintances.ask(member, { key, isJoining: false }), key, starts)
    if (result.kind !== "found") return
    await this.#measure([{ member: result.root, coordinate: acquaintances.locations.get(result.root.peerId) }, ...result.named])
  }

  /** Rows of the table that reach beyond the leaf set. */
  #rows(): number {
    const { leaves } = this.#components.surroundings.place ?? {}
    if (leaves === undefined || isWhole(leaves)) return 0
    const ends = [leaves.after.at(-1), leaves.before.at(-1)].filter((member) => member !== undefined)
    return 1 + Math.min(...ends.map(({ id }) => sharedDigits(leaves.self, id)))
  }

  /** While the table of all members names everybody, prefixes would only repeat it. */
  get #isTableIdle(): boolean {
    return this.#components.membership.isComplete || this.#components.surroundings.presence !== "active"
  }

  /** Pings those that the table may want: proximity counts as measured, never as told. */
  async #measure(named: readonly Named[], most = maxMeasured): Promise<void> {
    const { client, acquaintances } = this.#components
    const { locations, prefixes, lost } = acquaintances
    for (const each of named) locations.learn(each)
    const isWanted = ({ member }: Named): boolean =>
      !lost.isDoubtful(member.peerId) && prefixes.wants(member.id, locations.expectedMs(member.peerId) ?? 0)
    const chosen = named.filter(isWanted).slice(0, most)
    await Promise.all(
      chosen.map(async ({ member }) => {
        const outcome = await client.ping(member)
        if (outcome.kind === "answered") acquaintances.heard(member)
      }),
    )
  }
}
