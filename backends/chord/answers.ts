/** What a member answers to the others: the passive half of the protocol. */
import type { ByteReader } from "../../src/codec.ts"
import { P2PSipError, badArgument } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import { idOfPeer, isBetweenOrAt } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import {
  chordMethods, decodeAsk, decodeFind, decodeLost, decodeNotification, decodeReport, encodeAskAnswer, encodeFindAnswer,
  encodeNotifyAnswer,
} from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { Knowledge } from "./next-hop.ts"
import { closestPreceding } from "./next-hop.ts"
import {
  acquainted, answerTo, dropDeadSuccessor, inherit, isCandidate, rectify, replaceDeadPredecessor, spliceOutSuccessor, stabilizeFromSuccessor, successorOf,
} from "./ring.ts"
import type { Surroundings } from "./surroundings.ts"

export interface AnswersComponents {
  readonly runtime: Runtime
  readonly surroundings: Surroundings
  readonly client: NeighbourClient
  readonly knowledge: Knowledge
  readonly isDoubtful: (peerId: PeerId) => boolean
  /** A member gave a sign of life. */
  readonly onHeard: (peerId: PeerId) => void
  readonly onDead: (member: Member) => void
  readonly onLeft: (member: Member) => void
  /** Stabilise soon; a hint names a member that may lie directly after this peer. */
  readonly stabilize: (hint?: Member) => void
  /** Find out whether that peer is dead. */
  readonly suspect: (peerId: PeerId) => void
}

const nothing = new Uint8Array()
/** Whoever was given keys by one that died has noticed after so long, as a rule, and come to its successor. */
const strangerMs = 4_000

/** See the head of this file. */
export class Answers {
  readonly #surroundings: Surroundings
  readonly #client: NeighbourClient
  readonly #components: AnswersComponents

  constructor(rpc: Rpc, components: AnswersComponents) {
    this.#surroundings = components.surroundings
    this.#client = components.client
    this.#components = components
    const { ask, notify, find, leave, ping, update, lost } = chordMethods
    rpc.handle(ping, (from) => this.#onPing(from))
    rpc.handle(ask, (from, body) => this.#onAsk(from, body))
    rpc.handle(notify, (from, body) => this.#onNotify(from, body))
    rpc.handle(find, (from, body) => this.#onFind(from, body))
    rpc.handle(leave, (from, body) => this.#onLeave(from, body))
    rpc.onNotification(update, (from, body) => this.#onUpdate(from, body))
    rpc.onNotification(lost, (_from, body) => {
      const dead = decodeLost(body)
      if (this.#surroundings.isMember) this.#components.suspect(dead.peerId)
    })
  }

  #onPing(from: PeerId): Uint8Array {
    this.#expectMember(from)
    return nothing
  }

  #onAsk(from: PeerId, body: ByteReader): Uint8Array {
    const knownVersion = decodeAsk(body)
    this.#expectMember(from)
    const { told } = this.#surroundings
    return encodeAskAnswer(told.version === knownVersion ? undefined : told)
  }

  /** Rectify. */
  async #onNotify(from: PeerId, body: ByteReader): Promise<Uint8Array> {
    const { notifier, life, predecessors } = decodeNotification(body)
    expectSender(from, notifier)
    this.#expectMember(from)
    const previous = this.#surroundings.ring.predecessor
    if (rectify(this.#surroundings.ring, notifier, life).outcome === "ping predecessor" && (await this.#isDead(previous))) {
      if (!this.#surroundings.isMember) throw notMember()
      this.#components.onDead(previous)
      this.#surroundings.set(replaceDeadPredecessor(this.#surroundings.ring, previous.id, notifier))
      this.#getAcquainted(notifier)
    }
    // Others may have been adopted while the ping was under way.
    const { ring, outcome } = rectify(this.#surroundings.ring, notifier, life)
    this.#surroundings.set(ring)
    if (outcome !== "ping predecessor" && this.#surroundings.hearPredecessors(predecessors)) this.#components.stabilize()
    // A lone peer has a successor now.
    if (ring.successors.length === 0) this.#components.stabilize(notifier)
    return encodeNotifyAnswer(answerTo(this.#surroundings.ring, notifier, life))
  }

  #getAcquainted(stranger: Member): void {
    this.#components.runtime.setTimer(strangerMs, () => {
      if (this.#surroundings.isMember) this.#surroundings.set(acquainted(this.#surroundings.ring, stranger.id))
    })
  }

  #onFind(from: PeerId, body: ByteReader): Uint8Array {
    const { key, isJoining } = decodeFind(body)
    this.#expectMember(from)
    // Whoever wants to join is no member: if listed, then from an earlier life.
    if (isJoining) this.#surroundings.set(dropDeadSuccessor(this.#surroundings.ring, idOfPeer(from)))
    const { ring, told } = this.#surroundings
    if (ring.successors.length === 0 || isBetweenOrAt(ring.self.id, key, successorOf(ring).id)) {
      return encodeFindAnswer({ kind: "place", told })
    }
    const excluded = new Set(isJoining ? [from] : [])
    return encodeFindAnswer({ kind: "closer", members: closestPreceding(this.#components.knowledge, key, excluded) })
  }

  async #onLeave(from: PeerId, body: ByteReader): Promise<Uint8Array> {
    const { teller, told } = decodeReport(body)
    expectSender(from, teller)
    if (!this.#surroundings.isMember) return nothing
    this.#components.onLeft(teller)
    this.#surroundings.set(spliceOutSuccessor(this.#surroundings.ring, teller, told))
    const { ring } = this.#surroundings
    if (ring.predecessor.id === teller.id) {
      // In the spirit of rectify: whom the leaver had before itself takes its place only if it is live.
      const heir = told.predecessor
      const isLive = heir.id === ring.self.id || !(await this.#isDead(heir))
      if (isLive && this.#surroundings.isMember) {
        this.#surroundings.set(inherit(this.#surroundings.ring, teller.id, heir))
      }
    }
    this.#components.stabilize()
    return nothing
  }

  /** A member tells unasked what a question about its surroundings would have brought. */
  #onUpdate(from: PeerId, body: ByteReader): void {
    const { teller, told } = decodeReport(body)
    expectSender(from, teller)
    if (!this.#surroundings.isMember) return
    this.#components.onHeard(from)
    const { ring } = this.#surroundings
    if (successorOf(ring).id === teller.id) {
      this.#client.remember(from, told)
      const result = stabilizeFromSuccessor(ring, teller, told)
      this.#surroundings.set(result.ring)
      if (result.next.kind === "ask" || !result.ring.accepted) this.#components.stabilize()
    } else if (isCandidate(ring, teller)) {
      this.#components.stabilize(teller)
    }
  }

  async #isDead(member: Member): Promise<boolean> {
    if (this.#components.isDoubtful(member.peerId)) return true
    return (await this.#client.ping(member)).kind === "dead"
  }

  #expectMember(from: PeerId): void {
    if (!this.#surroundings.isMember) throw notMember()
    this.#components.onHeard(from)
  }
}

function expectSender(from: PeerId, member: Member): void {
  if (member.peerId !== from) badArgument("peer id", `the sender's own, ${from}`, member.peerId)
}

function notMember(): P2PSipError {
  return new P2PSipError("P2PSIP_NOT_OPEN", "this peer is not a member of the overlay")
}
