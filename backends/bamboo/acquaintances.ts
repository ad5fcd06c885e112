/**
 * Whom a peer knows, and how it comes to know and to forget them.
 *
 * Only who has answered, or asked something itself, counts as known: as leaf if
 * it is near enough, and in the prefix table. Whom others name is asked first.
 * Whom nobody hears is pinged, and forgotten if that goes unanswered.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { FailureWatch } from "../../src/overlay/failure-watch.ts"
import type { Id } from "../../src/overlay/id.ts"
import { isBetween } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import { LostPeers } from "../../src/overlay/lost-peers.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import { MissedPeers } from "../../src/overlay/missed-peers.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import { emptyLeafSet, leavesOf, withLeaf, wouldFit } from "./leaf-set.ts"
import { Locations } from "./locations.ts"
import type { ExchangeAnswer, FindAnswer, FindRequest, Named, Statement } from "./messages.ts"
import { markOf, maxListed } from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { Place } from "./place.ts"
import { granted, ungranted, withMember, withoutMember } from "./place.ts"
import { PrefixTable } from "./prefix-table.ts"
import type { Surroundings } from "./surroundings.ts"

export interface AcquaintancesComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly client: NeighbourClient
  readonly surroundings: Surroundings
  readonly membership: Membership
  readonly failures: FailureWatch
  /** This peer, with its present addresses. */
  readonly self: () => Member
}

/** Exchanges with members that others named, under way at once, and waiting. */
const maxPursuits = 4
const maxWaiting = 64
const maxChecks = 64
const maxLives = 1_024
/** Between two requests for a grant. */
const settleMs = 100
/** Leaves on either side of a dead member that are told of it. */
const toldPerSide = 2

/** See the head of this file. */
export class Acquaintances {
  readonly prefixes: PrefixTable
  readonly locations: Locations
  readonly lost: LostPeers
  readonly missed: MissedPeers
  readonly #components: AcquaintancesComponents
  readonly #self: Id
  readonly #incarnation: number
  /** What others last said of their lives, and of their verdicts on this peer. */
  readonly #lives = new Map<PeerId, Pick<Statement, "incarnation" | "verdict">>()
  readonly #exchanging = new Map<PeerId, Promise<Outcome<ExchangeAnswer>>>()
  readonly #waiting = new Map<PeerId, Member>()
  readonly #checking = new Set<PeerId>()
  #pursuits = 0
  #settleTimer: Timer | undefined

  constructor(components: AcquaintancesComponents) {
    this.#components = components
    this.#self = components.self().id
    this.#incarnation = components.runtime.random.uint32()
    this.prefixes = new PrefixTable(this.#self)
    this.locations = new Locations(components)
    this.lost = new LostPeers(components.runtime)
    this.missed = new MissedPeers(components.runtime)
  }

  stop(): void {
    this.#settleTimer?.cancel()
  }

  /** What this peer says of itself, and of so many leaves on either side. */
  statementFor(peerId: PeerId, marks = Infinity): Statement {
    const { place } = this.#components.surroundings
    return {
      hasLow: place?.low !== undefined,
      hasHigh: place?.high !== undefined,
      incarnation: this.#incarnation,
      verdict: this.lost.verdictOn(peerId),
      coordinate: this.locations.own,
      elderBefore: place?.elderBefore,
      elderAfter: place?.elderAfter,
      before: (place?.leaves.before ?? []).slice(0, marks).map(({ id }) => markOf(id)),
      after: (place?.leaves.after ?? []).slice(0, marks).map(({ id }) => markOf(id)),
    }
  }

  /** A peer with a place of its own has given a sign of life. */
  heard(member: Member): void {
    const { surroundings, rpc } = this.#components
    if (member.id === this.#self || surroundings.place === undefined) return
    this.lost.forgive(member.peerId)
    const rttMs = rpc.rttMs(member.peerId)
    if (rttMs !== undefined) this.prefixes.offer(member, rttMs)
    surroundings.set(withMember(surroundings.place, member))
  }

  /** What a member said of itself, asked or unasked. */
  heardStatement(member: Member, statement: Statement): void {
    this.heard(member)
    this.locations.learn({ member, coordinate: statement.coordinate })
    this.#noteLife(member.peerId, statement)
    this.lost.telling(member.peerId)
  }

  #noteLife(peerId: PeerId, { incarnation, verdict }: Statement): void {
    const { surroundings } = this.#components
    const known = this.#lives.get(peerId)
    this.#lives.delete(peerId)
    this.#lives.set(peerId, { incarnation, verdict })
    const isSameLife = known?.incarnation === incarnation
    if (known !== undefined && !isSameLife && surroundings.find(peerId) !== undefined) surroundings.renewLeaf()
    if (verdict !== 0 && (!isSameLife || known.verdict !== verdict)) surroundings.renew()
    if (this.#lives.size <= maxLives) return
    for (const oldest of this.#lives.keys()) {
      this.#lives.delete(oldest)
      return
    }
  }

  /** Compares leaf sets with a member, and asks for a grant in one. */
  exchange(member: Member): Promise<Outcome<ExchangeAnswer>> {
    const running = this.#exchanging.get(member.peerId)
    if (running !== undefined) return running
    const exchanging = this.#exchange(member).finally(() => this.#exchanging.delete(member.peerId))
    this.#exchanging.set(member.peerId, exchanging)
    return exchanging
  }

  async #exchange(member: Member): Promise<Outcome<ExchangeAnswer>> {
    const { client, surroundings, membership, self } = this.#components
    const outcome = await client.exchange(member, { teller: self(), statement: this.statementFor(member.peerId) })
    if (surroundings.place === undefined) return { kind: "unclear" }
    if (outcome.kind === "dead") this.#bury(member, "own")
    if (outcome.kind !== "answered") return outcome
    const { statement, named } = outcome.answer
    this.heardStatement(member, statement)
    this.locations.measured(member.peerId)
    surroundings.set(granted(surroundings.place, member.id, statement))
    if (statement.hasLow && statement.hasHigh) membership.meet(member)
    this.pursue(named)
    return outcome
  }

  /** Others have named these: those that would be leaves are asked. */
  pursue(named: readonly Named[]): void {
    for (const each of named) {
      this.locations.learn(each)
      if (this.#waiting.size < maxWaiting && this.#isWorthPursuing(each.member)) this.#waiting.set(each.member.peerId, each.member)
    }
    while (this.#pursuits < maxPursuits) {
      const next = this.#waiting.values().next().value
      if (next === undefined) return
      this.#waiting.delete(next.peerId)
      if (!this.#isWorthPursuing(next)) continue
      this.#pursuits++
      void this.exchange(next).finally(() => {
        this.#pursuits--
        this.pursue([])
      })
    }
  }

  #isWorthPursuing({ id, peerId }: Member): boolean {
    const { place } = this.#components.surroundings
    if (place === undefined || this.#components.surroundings.find(peerId) !== undefined) return false
    return wouldFit(place.leaves, id) && !this.lost.isDoubtful(peerId)
  }

  /** Asks the adjacent leaves for what they have not granted yet, until they have. */
  settle(): void {
    const { runtime, surroundings } = this.#components
    if (this.#settleTimer !== undefined || surroundings.place === undefined) return
    const missing = ungranted(surroundings.place)
    if (missing.length === 0) return
    for (const leaf of missing) void this.exchange(leaf)
    this.#settleTimer = runtime.setTimer(settleMs * (0.5 + runtime.random.float()), () => {
      this.#settleTimer = undefined
      this.settle()
    })
  }

  /** Asks at once, whatever was asked before: something has changed. */
  settleNow(): void {
    this.#settleTimer?.cancel()
    this.#settleTimer = undefined
    this.settle()
  }

  /** A member takes this peer for adjacent; those whom this peer lists in between may be dead. */
  checkBetween(member: Member, statement: Statement): void {
    const { place } = this.#components.surroundings
    const mark = markOf(this.#self)
    if (place === undefined) return
    const { after, before } = place.leaves
    const between = [
      ...(statement.after[0] === mark ? before.filter(({ id }) => isBetween(member.id, id, this.#self)) : []),
      ...(statement.before[0] === mark ? after.filter(({ id }) => isBetween(this.#self, id, member.id)) : []),
    ]
    for (const { peerId } of between) if (peerId !== member.peerId) this.suspect(peerId, "others")
  }

  /**
   * A member may be dead: find out. If others say so, it is not told on: where frames are lost some of the living
   * are taken for dead, and each of those deaths would cause several more.
   */
  suspect(peerId: PeerId, source: "own" | "others" = "own"): void {
    const { client, surroundings, self } = this.#components
    const member = this.find(peerId)
    if (member === undefined || peerId === self().peerId || surroundings.place === undefined) return
    if (this.#checking.has(peerId) || this.#checking.size >= maxChecks) return
    this.#checking.add(peerId)
    void client.ping(member).then((outcome) => {
      this.#checking.delete(peerId)
      if (surroundings.place === undefined) return
      if (outcome.kind === "dead") this.#bury(member, source)
      // It may have been taken for dead wrongly before, and has to be told.
      else if (outcome.kind === "answered" && this.lost.has(peerId)) void this.exchange(member)
    })
  }

  /** A member has said that it leaves; `after` is this peer's place without it. */
  dismiss(member: Member, after: Place): void {
    this.#remove(member, "left", after)
  }

  /** A member was found dead. Those beside it grant nothing past it until they know: they are told, also of one who is no leaf of this peer. */
  #bury(member: Member, source: "own" | "others"): void {
    const { client, surroundings } = this.#components
    const beside = surroundings.leaves.reduce((set, leaf) => withLeaf(set, leaf), emptyLeafSet(member.id, toldPerSide))
    if (source === "own") for (const other of leavesOf(beside)) client.lost(other, member)
    this.missed.lose(member)
    this.#remove(member, "dead")
  }

  #remove(member: Member, why: "dead" | "left", after?: Place): void {
    const { runtime, client, surroundings, membership, failures } = this.#components
    const { place } = surroundings
    if (surroundings.find(member.peerId) !== undefined) failures.sawFailure(runtime.now())
    this.lost.add(member)
    client.giveUp(member.peerId)
    membership.report(member.peerId, why)
    this.prefixes.remove(member)
    this.#lives.delete(member.peerId)
    if (place === undefined || (surroundings.find(member.peerId) === undefined && !wouldFit(place.leaves, member.id))) return
    surroundings.set(after ?? withoutMember(place, member.id))
    if (membership.isResting) this.#askTheLast()
    else this.#pursueCandidates()
    this.settleNow()
  }

  #pursueCandidates(): void {
    this.pursue(this.#candidates().map((candidate) => ({ member: candidate, coordinate: undefined })))
  }

  /** The last leaf on a side where there is room knows who is next. Without a table of all members nobody else is likely to. */
  #askTheLast(): void {
    const { place } = this.#components.surroundings
    if (place === undefined) return
    const { after, before, size } = place.leaves
    const sides = [after, before].filter((side) => side.length < size)
    if (sides.some((side) => side.length === 0)) return this.#pursueCandidates()
    for (const side of sides) for (const last of side.slice(-1)) void this.exchange(last)
  }

  /** Hearsay that a member lives. */
  hearAlive(member: Member): void {
    this.lost.forgive(member.peerId)
    this.pursue([{ member, coordinate: undefined }])
  }

  /** Asks a member for the way to a key. */
  async ask(member: Member, request: FindRequest): Promise<Outcome<FindAnswer>> {
    const { client, surroundings } = this.#components
    const outcome = await client.find(member, request)
    if (surroundings.place === undefined) return { kind: "unclear" }
    if (outcome.kind === "dead" && outcome.code !== "P2PSIP_NOT_OPEN") this.#bury(member, "own")
    if (outcome.kind !== "answered") return outcome
    // A joiner shows itself by exchanges, not before.
    if (!request.isJoining) this.heard(member)
    for (const named of outcome.answer.named) this.locations.learn(named)
    return outcome
  }

  /** With what is known of where they lie. */
  named(members: readonly Member[]): Named[] {
    return members.slice(0, maxListed).map((member) => ({ member, coordinate: this.locations.get(member.peerId) }))
  }

  find(peerId: PeerId): Member | undefined {
    const { surroundings, membership } = this.#components
    return surroundings.find(peerId) ?? this.prefixes.find(peerId) ?? membership.table.get(peerId)?.member
  }

  /** Members that may take a lost one's place. */
  #candidates(): Member[] {
    const { surroundings, membership } = this.#components
    const { size = 0 } = surroundings.place?.leaves ?? {}
    const { table } = membership
    return [...table.successorsOf(this.#self, size + 1), ...table.predecessorsOf(this.#self, size), ...this.prefixes.members]
  }
}
