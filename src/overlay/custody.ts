/**
 * What a peer has yet to ask of others before it knows all there is to know of
 * its keys, as plain data and pure transitions.
 *
 * Keys pass from hand to hand, at times faster than their records. So whoever
 * gives keys up remembers whom it had yet to ask about them, and names those to
 * its successor in office when that one asks: the chain of custody. From each
 * owner a path of such debts leads to everybody who may have the records.
 *
 *     gained, or a neighbour came into sight ──► owed ── compared ──► done
 *                                                 │  ▲                 │ what the other still owes itself is owed to those it names
 *                                   keys given up │  │ regained, named ◄┘
 *                                                 ▼  │
 *                                               trail ── a minute ──► forgotten
 */
import type { PeerId } from "../link/link.ts"
import type { Id } from "./id.ts"
import type { KeyRange, Member } from "./key-based-routing.ts"
import { contains, containsAny, intersect, join, subtract } from "./key-range.ts"

/** A part of the ring that is to be compared with somebody, and since which change of the surroundings. */
export interface Debt {
  readonly range: KeyRange
  readonly since: number
}

/** Somebody who may have records of this peer's keys. */
export interface Source {
  readonly member: Member
  /** Neighbours are asked about everything, others about what they were named for. */
  readonly isNeighbour: boolean
  /** It did not answer: nobody waits for it until it does. */
  readonly isSilent: boolean
  /** What is to be compared with it. */
  readonly owed: readonly Debt[]
  /** What was compared with it since it came into sight, of what this peer has answered for since. */
  readonly done: readonly KeyRange[]
}

/** Of keys that this peer gave up before it had compared them: whom it would have asked. */
export interface Trail {
  readonly member: Member
  readonly range: KeyRange
  readonly until: number
}

/** Somebody who may have records, and of which keys. */
export interface Lead {
  readonly member: Member
  readonly ranges: readonly KeyRange[]
}

/** See the head of this file. */
export interface Custody {
  /** The keys that this peer answers for. */
  readonly ranges: readonly KeyRange[]
  readonly neighbours: readonly Member[]
  readonly sources: ReadonlyMap<PeerId, Source>
  readonly trails: readonly Trail[]
  /**
   * Of these keys this peer has known all there was to know, since it answers for them. Whoever comes into sight only later
   * can have no newer record of them, unless a second peer has answered for them as well: it is asked, but nobody waits for that.
   */
  readonly known: readonly KeyRange[]
  /**
   * Of these keys this peer cannot know that: somebody who should have told it did not answer. Whoever comes into sight later
   * may have heard from that one, and is waited for.
   */
  readonly doubted: readonly KeyRange[]
  /** Counts the changes of the surroundings. */
  readonly changes: number
}

/** So long whoever has keys after this peer may come and ask. */
const trailMs = 60_000
const maxTrails = 512
/** Sources that are no neighbours. */
const maxNamed = 64
const nobody: readonly Member[] = []
const never = (): number => -1

/** Of a peer that answers for nothing. */
export const nothingInCustody: Custody = { ranges: [], neighbours: nobody, sources: new Map(), trails: [], known: [], doubted: [], changes: 0 }

/** The routing says so now. The same object when it says the same as before. */
export function surrounded(before: Custody, ranges: readonly KeyRange[], neighbours: readonly Member[], now: number): Custody {
  if (ranges === before.ranges && neighbours === before.neighbours) return before
  const changes = before.changes + 1
  const gained = subtract(ranges, before.ranges)
  const inSight = new Map(neighbours.map((member) => [member.peerId, member]))
  const sources = new Map<PeerId, Source>()
  const trails = before.trails.filter(({ until }) => until > now)
  for (const [peerId, source] of before.sources) {
    const member = inSight.get(peerId)
    if (!source.isSilent) trails.push(...trailsOf(source.member, urgent(source, before), ranges, now + trailMs))
    const kept = member === undefined ? outOfSight(source, ranges) : inView(source, member, ranges, gained, changes)
    if (kept !== undefined) sources.set(peerId, kept)
  }
  for (const member of neighbours) {
    if (!sources.has(member.peerId)) sources.set(member.peerId, stranger(member, ranges, changes))
  }
  // Of keys that came back, those are to be asked who should have been asked the last time.
  const regained = trails.flatMap(({ member, range }) => leadIf(member, intersect([range], ranges)))
  const left = trails.flatMap(({ member, range, until }) => subtract([range], ranges).map((arc) => ({ member, range: arc, until })))
  return withKnown({
    ranges,
    neighbours,
    sources: withLeads(sources, regained, changes),
    trails: joinTrails(left).slice(-maxTrails),
    known: intersect(before.known, ranges),
    doubted: intersect(before.doubted, ranges),
    changes,
  })
}

/** Debts of keys that are no longer this peer's. */
function trailsOf(member: Member, owed: readonly KeyRange[], ranges: readonly KeyRange[], until: number): Trail[] {
  return subtract(owed, ranges).map((range) => ({ member, range, until }))
}

function outOfSight(source: Source, ranges: readonly KeyRange[]): Source | undefined {
  const owed = within(source.owed, ranges)
  return source.isSilent || owed.length === 0 ? undefined : { ...source, isNeighbour: false, owed, done: intersect(source.done, ranges) }
}

function inView(source: Source, member: Member, ranges: readonly KeyRange[], gained: readonly KeyRange[], since: number): Source {
  if (!source.isNeighbour) return stranger(member, ranges, since)
  const owed = [...within(source.owed, ranges), ...gained.map((range) => ({ range, since }))]
  return { ...source, member, owed, done: intersect(source.done, ranges) }
}

function stranger(member: Member, ranges: readonly KeyRange[], since: number): Source {
  return { member, isNeighbour: true, isSilent: false, owed: ranges.map((range) => ({ range, since })), done: [] }
}

/**
 * A range was compared with the peer, by a question put after so many changes:
 * what became owed only later still is. `leads`: whom the peer had yet to ask
 * itself. They count where the comparison was owed. Whoever is compared with
 * routinely has named them before, and they were asked, or are dead: to ask
 * them again would be to wait for the dead as long as anybody remembers them.
 */
export function compared(before: Custody, peerId: PeerId, range: KeyRange, asOf: number, leads: readonly Lead[]): Custody {
  const source = before.sources.get(peerId)
  const sources = new Map(before.sources)
  const settled = within(source?.owed.filter(({ since }) => since <= asOf) ?? [], [range]).map((debt) => debt.range)
  if (source !== undefined) {
    const owed = source.owed.flatMap((debt) => (debt.since > asOf ? [debt] : without(debt, range)))
    const fresh = subtract(intersect([range], before.ranges), [...owed.map((debt) => debt.range), ...source.done])
    sources.set(peerId, { ...source, isSilent: false, owed, done: join([...source.done, ...fresh]) })
  }
  const named = leads.flatMap(({ member, ranges }) => leadIf(member, intersect(intersect(ranges, settled), before.ranges)))
  const after = withKnown({ ...before, sources: withLeads(sources, named, before.changes) })
  return isSettled(after) ? withoutNamed(after) : after
}

/** The member did not answer, or refused. A neighbour is asked again some time; to others there is no way back. */
export function failed(before: Custody, peerId: PeerId): Custody {
  const sources = new Map(before.sources)
  const source = sources.get(peerId)
  if (source?.isNeighbour === true) sources.set(peerId, { ...source, isSilent: true })
  else sources.delete(peerId)
  const doubted = source === undefined ? before.doubted : join([...before.doubted, ...subtract(urgent(source, before), before.doubted)])
  return withKnown({ ...before, sources, doubted, trails: before.trails.filter(({ member }) => member.peerId !== peerId) })
}

/** All that there is to know is here. */
export function nothingOwed(before: Custody): Custody {
  const sources = [...before.sources].map(([peerId, source]) => [peerId, { ...source, owed: [], done: before.ranges }] as const)
  return { ...before, sources: new Map(sources), trails: [], known: before.ranges, doubted: [] }
}

/** Where these trails lead this peer has been; there it was named others. */
export function trailsFollowed(before: Custody, followed: readonly Trail[], leads: readonly Lead[]): Custody {
  const until = Math.max(...followed.map((trail) => trail.until))
  const left = before.trails.filter((trail) => !followed.includes(trail))
  const named = leads.flatMap(({ member, ranges }) => subtract(ranges, before.ranges).map((range) => ({ member, range, until })))
  return { ...before, trails: joinTrails([...left, ...named]).slice(-maxTrails) }
}

/** Whether nothing is left to compare with anybody who answers. */
export function isSettled({ sources }: Custody): boolean {
  for (const { isSilent, owed } of sources.values()) if (!isSilent && owed.length > 0) return false
  return true
}

/** Who may know more of the key than this peer does. `askedAsOf`: who was asked about it, and after how many changes. */
export function unsettledFor({ sources, known }: Custody, key: Id, askedAsOf: (peerId: PeerId) => number = never): readonly Member[] {
  if (containsAny(known, key)) return nobody
  const missing: Member[] = []
  for (const { member, isSilent, owed } of sources.values()) {
    if (isSilent || owed.length === 0) continue
    const asOf = askedAsOf(member.peerId)
    if (owed.some(({ range, since }) => since > asOf && contains(range, key))) missing.push(member)
  }
  return missing.length === 0 ? nobody : missing
}

/** Whether the key was compared with the peer since it is this peer's. */
export function isSettledFor({ sources }: Custody, peerId: PeerId, key: Id): boolean {
  return containsAny(sources.get(peerId)?.done ?? [], key)
}

/** Whom this peer has yet to ask, or would have had to, about keys of the range: it does not know all of them. */
export function leadsForRange(custody: Custody, range: KeyRange, now: number): Lead[] {
  const leads: Lead[] = []
  for (const source of custody.sources.values()) {
    if (!source.isSilent && source.owed.length > 0) leads.push(...leadIf(source.member, intersect(urgent(source, custody), [range])))
  }
  for (const trail of custody.trails) {
    if (trail.until > now) leads.push(...leadIf(trail.member, intersect([trail.range], [range])))
  }
  return leads
}

/** The same for one key. */
export function leadsForKey(custody: Custody, key: Id, now: number): readonly Member[] {
  const past = custody.trails.filter(({ range, until }) => until > now && contains(range, key))
  return past.length === 0 ? unsettledFor(custody, key) : [...unsettledFor(custody, key), ...past.map(({ member }) => member)]
}

function leadIf(member: Member, ranges: readonly KeyRange[]): Lead[] {
  return ranges.length === 0 ? [] : [{ member, ranges }]
}

/** What is owed to the source of keys that this peer does not know all of. */
function urgent({ owed }: Source, { known }: Custody): KeyRange[] {
  return subtract(owed.map(({ range }) => range), known)
}

function withKnown(custody: Custody): Custody {
  const missing = subtract(custody.ranges, [...custody.known, ...custody.doubted])
  if (missing.length === 0) return custody
  const owed = [...custody.sources.values()].flatMap((source) => (source.isSilent ? [] : source.owed.map(({ range }) => range)))
  return { ...custody, known: join([...custody.known, ...subtract(missing, owed)]) }
}

/** Who was named is asked, unless it was already. */
function withLeads(sources: ReadonlyMap<PeerId, Source>, leads: readonly Lead[], since: number): ReadonlyMap<PeerId, Source> {
  if (leads.length === 0) return sources
  const after = new Map(sources)
  let room = maxNamed - [...after.values()].filter(({ isNeighbour }) => !isNeighbour).length
  for (const { member, ranges } of leads) {
    const source = after.get(member.peerId)
    const known = source === undefined ? [] : [...source.done, ...source.owed.map(({ range }) => range)]
    const owed = subtract(ranges, known).map((range) => ({ range, since }))
    if (owed.length === 0 || (source === undefined && room-- <= 0)) continue
    const base = source ?? { member, isNeighbour: false, isSilent: false, owed: [], done: [] }
    after.set(member.peerId, { ...base, owed: [...base.owed, ...owed] })
  }
  return after
}

function withoutNamed(custody: Custody): Custody {
  return { ...custody, sources: new Map([...custody.sources].filter(([, { isNeighbour }]) => isNeighbour)) }
}

function within(debts: readonly Debt[], ranges: readonly KeyRange[]): Debt[] {
  return debts.flatMap(({ range, since }) => intersect([range], ranges).map((arc) => ({ range: arc, since })))
}

function without({ range, since }: Debt, taken: KeyRange): Debt[] {
  return subtract([range], [taken]).map((arc) => ({ range: arc, since }))
}

/** Those of one member that touch become one. */
function joinTrails(trails: readonly Trail[]): Trail[] {
  const joined: Trail[] = []
  for (const trail of trails) {
    const at = joined.findIndex(({ member, range }) => member.peerId === trail.member.peerId && range.to === trail.range.from)
    const other = joined[at]
    if (other === undefined) joined.push(trail)
    else joined[at] = { ...trail, range: { from: other.range.from, to: trail.range.to }, until: Math.max(other.until, trail.until) }
  }
  return joined
}
