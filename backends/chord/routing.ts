/**
 * Chord as key-based routing: the parts put together, timers, and what is done
 * at once when something happens.
 */
import type { Link, PeerAddress, PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { KeyBasedRouting, KeyRange, Member, RoutingChange } from "../../src/overlay/key-based-routing.ts"
import { formationOf } from "../../src/overlay/formation.ts"
import { memberOf } from "../../src/overlay/member-codec.ts"
import { Membership } from "../../src/overlay/membership.ts"
import { Recent } from "../../src/overlay/recent.ts"
import { RoutingListeners } from "../../src/overlay/routing-listeners.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { PeerInfo } from "../../src/servlet/types.ts"
import { Announcer } from "./announcer.ts"
import { Answers } from "./answers.ts"
import { FingerKeeper } from "./finger-keeper.ts"
import { joinRing } from "./joining.ts"
import { NeighbourClient } from "./neighbour-client.ts"
import { knowledgeOf } from "./knowledge.ts"
import type { Knowledge } from "./next-hop.ts"
import * as choices from "./next-hop.ts"
import type { ChordOptions, ChordSettings } from "./options.ts"
import { chordSettings } from "./options.ts"
import { Reunion } from "./reunion.ts"
import type { Ring } from "./ring.ts"
import { dropDeadSuccessor, found, foundAmong, isCandidate, isResponsible, successorOf } from "./ring.ts"
import { SelfTuning } from "./self-tuning.ts"
import { Stabilizer } from "./stabilizer.ts"
import { Surroundings } from "./surroundings.ts"
import { Trouble } from "./trouble.ts"

export interface ChordComponents {
  readonly runtime: Runtime
  readonly link: Link
  readonly rpc: Rpc
  /** The peers that start an overlay together, for a join without bootstrap peers. */
  readonly founders?: readonly PeerAddress[]
}

/** How many members that may follow this peer are asked beyond those that its successor names. */
const maxSuggestions = 3
const doubtMs = 10_000

/** See the head of this file. */
export class ChordRouting implements KeyBasedRouting {
  readonly #runtime: Runtime
  readonly #link: Link
  readonly #rpc: Rpc
  readonly #settings: ChordSettings
  readonly #surroundings: Surroundings
  readonly #client: NeighbourClient
  readonly #membership: Membership
  readonly #stabilizer: Stabilizer
  readonly #fingers: FingerKeeper
  readonly #reunion: Reunion
  readonly #announcer: Announcer
  readonly #tuning: SelfTuning
  readonly #trouble: Trouble
  /** Peers that were lately found dead: not asked again for a while, unless they give a sign of life. */
  readonly #doubts: Recent<PeerId>
  readonly #knowledge: Knowledge
  readonly #listeners: RoutingListeners
  readonly #checking = new Set<PeerId>()
  readonly #founders: readonly PeerAddress[] | undefined
  readonly #removeLinkListener: () => void
  #stabilizeTimer: Timer | undefined
  #heardPredecessorAt = 0

  constructor(components: ChordComponents, options: ChordOptions = {}) {
    const { runtime, link, rpc } = components
    this.#founders = components.founders
    this.#runtime = runtime
    this.#link = link
    this.#rpc = rpc
    this.#settings = chordSettings(options)
    this.#listeners = new RoutingListeners(runtime)
    this.#doubts = new Recent(runtime, { lifeMs: doubtMs })
    this.#tuning = new SelfTuning(runtime.now())
    this.#surroundings = new Surroundings(runtime.random.uint32(), (before, after) => this.#onSurroundings(before, after))
    this.#client = new NeighbourClient({ runtime, rpc })
    this.#membership = new Membership({ runtime, rpc }, this.self, this.#settings.membership)
    this.#membership.onChange(({ member, status }) => this.#onMembership(member, status === "alive"))
    this.#knowledge = knowledgeOf(this.#surroundings, this.#membership, this.#doubts, () => this.#fingers.members)
    const shared = {
      runtime, rpc, surroundings: this.#surroundings, client: this.#client, membership: this.#membership,
      isDoubtful: (peerId: PeerId) => this.#doubts.has(peerId),
      suspect: (peerId: PeerId) => this.suspect(peerId),
      onDead: (member: Member) => this.#onDead(member),
      stabilize: (hint?: Member) => this.#stabilizer.request(hint),
    }
    this.#announcer = new Announcer(shared)
    this.#trouble = new Trouble(shared)
    this.#stabilizer = new Stabilizer({ ...shared, suggestions: () => this.#suggestions() })
    this.#fingers = new FingerKeeper(this.self.id, this.#settings.fingers, {
      ...shared,
      knowledge: () => (this.#surroundings.isMember ? this.#knowledge : undefined),
      intervalMs: () => this.#tuned(this.#settings.minFingerRefreshMs, this.#settings.maxFingerRefreshMs),
    })
    this.#reunion = new Reunion(shared, this.#settings.reunionMs)
    new Answers(rpc, {
      ...shared,
      knowledge: this.#knowledge,
      onHeard: (peerId) => this.#onHeard(peerId),
      onLeft: (member) => this.#remove(member, "left"),
    })
    this.#removeLinkListener = link.onPeer(({ name, peerId }) => {
      if (name === "down" && this.#surroundings.find(peerId) !== undefined) this.suspect(peerId)
    })
  }

  get self(): Member {
    return memberOf(this.#link.self)
  }

  async join(bootstrap: readonly Member[], signal: AbortSignal): Promise<void> {
    const { self } = this
    if (bootstrap.length === 0 && this.#founders !== undefined) return this.#takePlace(this.#founders)
    const contacts = bootstrap.filter(({ id }) => id !== self.id)
    if (contacts.length === 0) {
      this.#surroundings.set(found(self, this.#settings.successors))
      this.#begin(self, undefined)
      return
    }
    const components = {
      runtime: this.#runtime, surroundings: this.#surroundings, client: this.#client, stabilizer: this.#stabilizer, self,
    }
    const contact = await joinRing(components, contacts, this.#settings, signal)
    this.#reunion.remember(contacts)
    this.#begin(self, contact)
  }

  async leave(): Promise<void> {
    if (this.#surroundings.isMember) {
      const { ring, told } = this.#surroundings
      const neighbours = new Set([ring.predecessor, successorOf(ring)].filter(({ id }) => id !== ring.self.id))
      this.#membership.leave()
      this.#reunion.bequeath([...neighbours])
      this.#surroundings.set(undefined)
      // None of them may fire while the neighbours are told: a peer without a place has nothing to keep.
      this.#stopTimers()
      await Promise.all([...neighbours].map((member) => this.#client.leave(member, { teller: ring.self, told })))
    }
    this.stop()
  }

  stop(): void {
    this.#client.stop()
    this.#surroundings.set(undefined)
    this.#membership.stop()
    this.#stopTimers()
    this.#removeLinkListener()
  }

  isResponsible(key: Id): boolean {
    const ring = this.#surroundings.ringOrNone
    return ring !== undefined && isResponsible(ring, key)
  }

  ranges(): readonly KeyRange[] {
    return this.#surroundings.ranges
  }

  nextHop(key: Id, excluded?: ReadonlySet<PeerId>): Member | undefined {
    return this.#surroundings.isMember ? choices.nextHop(this.#knowledge, key, excluded) : undefined
  }

  replicaSet(key: Id, count: number): readonly Member[] {
    return this.#surroundings.isMember ? choices.replicaSet(this.#knowledge, key, count) : []
  }

  neighbours(): readonly Member[] {
    return this.#surroundings.neighbours
  }

  suspect(peerId: PeerId): void {
    const finger = this.#fingers.members.find((member) => member.peerId === peerId)
    const member = this.#surroundings.find(peerId) ?? this.#membership.table.get(peerId)?.member ?? finger
    if (member === undefined || peerId === this.self.peerId) return
    if (!this.#surroundings.isMember || this.#checking.has(peerId) || this.#checking.size >= 64) return
    this.#checking.add(peerId)
    void this.#client.ping(member).then((outcome) => {
      this.#checking.delete(peerId)
      if (!this.#surroundings.isMember) return
      if (outcome.kind === "dead") this.#onDead(member)
      else this.#doubts.delete(peerId)
    })
  }

  onChange(listener: (change: RoutingChange) => void): () => void {
    return this.#listeners.add(listener)
  }

  ring(): Ring | undefined {
    return this.#surroundings.ringOrNone
  }

  describe(): { readonly peersKnown: number; readonly neighbours: Readonly<Record<string, readonly PeerInfo[]>> } {
    const known = new Set([
      ...this.#surroundings.neighbours.map(({ id }) => id),
      ...this.#fingers.members.map(({ id }) => id),
      ...this.#membership.table.alive.map(({ id }) => id),
    ])
    known.delete(this.self.id)
    const neighbours = {
      predecessors: this.#surroundings.predecessors,
      successors: this.#surroundings.ringOrNone?.successors ?? [],
      fingers: this.#fingers.members,
    }
    return { peersKnown: known.size, neighbours }
  }

  /** All founders know all others: rings, tables and fingers are right from the start. */
  #takePlace(founders: readonly PeerAddress[]): void {
    const formation = formationOf(founders)
    const self = formation.members[formation.indexOf(this.self.id)] ?? this.self
    const { successors } = this.#settings
    const before = formation.neighboursOf(self.id, successors, -1)
    this.#surroundings.set(foundAmong(self, successors, formation.neighboursOf(self.id, successors), before))
    this.#surroundings.hearPredecessors(before.slice(1))
    this.#membership.startAmong(formation.members)
    this.#startTimers()
    if (!this.#membership.isComplete) this.#fingers.fill(formation)
  }

  // Timers

  #begin(self: Member, contact: Member | undefined): void {
    if (contact === undefined) this.#membership.start(self, true)
    else {
      this.#membership.startCautiously(self, this.#surroundings.estimateSize())
      void this.#membership.fill(contact)
    }
    this.#startTimers()
  }

  #startTimers(): void {
    this.#heardPredecessorAt = this.#runtime.now()
    this.#scheduleStabilize()
    this.#fingers.start()
    this.#reunion.start()
  }

  #scheduleStabilize(): void {
    const { minStabilizeMs, maxStabilizeMs } = this.#settings
    const tunedMs = this.#tuned(minStabilizeMs, maxStabilizeMs)
    this.#stabilizeTimer = this.#runtime.setTimer(tunedMs * (0.75 + this.#runtime.random.float() / 2), () => {
      if (!this.#surroundings.isMember) return
      // The predecessor asks us at least this often; silence may mean that it died.
      const { predecessor } = this.#surroundings.ring
      if (this.#runtime.now() - this.#heardPredecessorAt > 2.5 * maxStabilizeMs) this.suspect(predecessor.peerId)
      this.#stabilizer.request()
      this.#weighMembership()
      this.#scheduleStabilize()
    })
  }

  /** Is the overlay calm enough for a table of all members? */
  #weighMembership(): void {
    const failures = this.#tuning.mostFailuresPerSecond(this.#runtime.now())
    this.#membership.weigh(this.#surroundings.estimateSize(), failures, this.#surroundings.neighbours[0])
  }

  #tuned(minMs: number, maxMs: number): number {
    return Math.min(Math.max(this.#tuning.intervalMs(this.#runtime.now(), this.#size()), minMs), maxMs)
  }

  #stopTimers(): void {
    this.#fingers.stop()
    this.#reunion.stop()
    this.#stabilizeTimer?.cancel()
    this.#announcer.stop()
  }

  // What happens

  #onSurroundings(before: Ring | undefined, after: Ring | undefined): void {
    if (after !== undefined && before !== undefined) this.#announcer.onChange(before, after)
    if (after !== undefined && after.predecessor.id !== before?.predecessor.id) {
      this.#heardPredecessorAt = this.#runtime.now()
      // Once, to know its round-trip time: when it falls silent, that decides how soon this peer takes over from it.
      if (this.#rpc.rttMs(after.predecessor.peerId) === undefined) this.suspect(after.predecessor.peerId)
    }
    this.#tuning.sawNeighbours(this.#runtime.now(), this.#surroundings.neighbours.map(({ peerId }) => peerId))
    const isOwnershipSame = before?.accepted === after?.accepted && before?.predecessor.id === after?.predecessor.id
    if (isOwnershipSame) this.#listeners.tellSoon()
    else this.#listeners.tell()
  }

  #onHeard(peerId: PeerId): void {
    this.#doubts.delete(peerId)
    if (this.#surroundings.ring.predecessor.peerId === peerId) this.#heardPredecessorAt = this.#runtime.now()
  }

  #onDead(member: Member): void {
    const { ring, predecessors } = this.#surroundings
    this.#trouble.sawDeath(member)
    this.#remove(member, "dead")
    // Its predecessor has to come to know that we are its successor now.
    if (ring.predecessor.id !== member.id) return
    const before = [...predecessors.slice(1), ...this.#membership.table.predecessorsOf(ring.self.id, 2)]
    const others = before.filter(({ id }) => id !== ring.self.id && id !== member.id)
    for (const other of new Set(others.slice(0, 3))) this.#client.lost(other, member)
  }

  #remove(member: Member, why: "dead" | "left"): void {
    if (this.#surroundings.find(member.peerId) !== undefined) this.#tuning.sawFailure(this.#runtime.now())
    this.#doubts.note(member.peerId)
    this.#client.giveUp(member.peerId)
    this.#membership.report(member.peerId, why)
    this.#fingers.remove(member)
    this.#surroundings.forget(member.id)
    if (why === "dead") this.#reunion.lose(member)
    if (why === "dead") this.#surroundings.set(dropDeadSuccessor(this.#surroundings.ring, member.id))
    this.#stabilizer.request()
  }

  /** Hearsay about members: worth a look where it concerns the neighbourhood. */
  #onMembership(member: Member, isAlive: boolean): void {
    const ring = this.#surroundings.ringOrNone
    if (ring === undefined) return
    if (!isAlive) {
      if (this.#surroundings.find(member.peerId) !== undefined) this.suspect(member.peerId)
    } else if (this.#suggestions().some(({ id }) => id === member.id)) {
      this.#doubts.delete(member.peerId)
      this.#stabilizer.request()
    }
  }

  /** Members that the table places directly after this peer. */
  #suggestions(): readonly Member[] {
    const ring = this.#surroundings.ringOrNone
    if (ring === undefined) return []
    const after = this.#membership.table.successorsOf(ring.self.id, 1 + maxSuggestions).filter(({ id }) => id !== ring.self.id)
    const nearer = after.filter((member) => isCandidate(ring, member))
    return ring.successors.length === 0 ? [...nearer, ...this.#surroundings.predecessors] : nearer
  }

  /** About how many members the overlay has. */
  #size(): number {
    return this.#membership.isComplete ? this.#membership.table.alive.length : this.#surroundings.estimateSize()
  }
}
