/** What a member answers to the others: the passive half of the protocol. */
import type { ByteReader } from "../../src/codec.ts"
import { P2PSipError, badArgument } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Acquaintances } from "./acquaintances.ts"
import { leafSetOf, leavesOf, wouldFit } from "./leaf-set.ts"
import type { Mark } from "./messages.ts"
import {
  bambooMethods, decodeExchangeRequest, decodeFind, decodeMember, decodeRow, encodeExchangeAnswer, encodeFindAnswer, encodeRowAnswer,
  markOf,
} from "./messages.ts"
import type { Knowledge } from "./next-hop.ts"
import { hopsTowards } from "./next-hop.ts"
import type { Place } from "./place.ts"
import { inherited } from "./place.ts"
import { idDigits, isCloser } from "./ring-distance.ts"
import type { Surroundings } from "./surroundings.ts"

export interface AnswersComponents {
  readonly surroundings: Surroundings
  readonly acquaintances: Acquaintances
  /** Undefined while this peer has no place. */
  readonly knowledge: () => Knowledge | undefined
}

const nothing = new Uint8Array()
/** Members named on the way to a key. */
const namedHops = 4
/** Leaves on a side that an answer lists: whoever is granted something by it looks at no more. */
const grantMarks = 2
const markTail = "0".repeat(idDigits - markOf("0".repeat(idDigits)).length)

/** See the head of this file. */
export class Answers {
  readonly #surroundings: Surroundings
  readonly #acquaintances: Acquaintances
  readonly #knowledge: () => Knowledge | undefined

  constructor(rpc: Rpc, { surroundings, acquaintances, knowledge }: AnswersComponents) {
    this.#surroundings = surroundings
    this.#acquaintances = acquaintances
    this.#knowledge = knowledge
    const { ping, exchange, find, row, leave, lost } = bambooMethods
    rpc.handle(ping, () => {
      this.#expectPlace()
      return nothing
    })
    rpc.handle(exchange, (from, body) => this.#onExchange(from, body))
    rpc.handle(find, (from, body) => this.#onFind(from, body))
    rpc.handle(row, (_from, body) => this.#onRow(body))
    rpc.handle(leave, (from, body) => this.#onLeave(from, body))
    rpc.onNotification(lost, (_from, body) => {
      const { peerId } = decodeMember(body)
      if (surroundings.find(peerId) !== undefined) acquaintances.suspect(peerId, "others")
    })
  }

  #onExchange(from: PeerId, body: ByteReader): Uint8Array {
    const { teller, statement } = decodeExchangeRequest(body)
    expectSender(from, teller)
    this.#expectPlace()
    const acquaintances = this.#acquaintances
    const wasDoubtful = acquaintances.lost.isDoubtful(from)
    acquaintances.heardStatement(teller, statement)
    // It may have sent this before it left: see whether it is there.
    if (wasDoubtful) acquaintances.suspect(from)
    acquaintances.checkBetween(teller, statement)
    const place = this.#expectPlace()
    const listed = new Set([...statement.before, ...statement.after])
    const dead = new Set(acquaintances.lost.doubtfulIds.map(markOf))
    if (this.#hasNews(place, listed, dead)) void acquaintances.exchange(teller)
    const missing = this.#missingAt(teller, listed, dead, place.leaves.size)
    return encodeExchangeAnswer({ statement: acquaintances.statementFor(from, grantMarks), named: acquaintances.named(missing) })
  }

  /** Whether the other lists somebody who belongs in this peer's set, and whom it does not know. */
  #hasNews({ leaves }: Place, listed: ReadonlySet<Mark>, dead: ReadonlySet<Mark>): boolean {
    const known = new Set(this.#surroundings.leaves.map(({ id }) => markOf(id))).add(markOf(leaves.self))
    for (const mark of listed) if (!known.has(mark) && !dead.has(mark) && wouldFit(leaves, mark + markTail)) return true
    return false
  }

  /** Leaves of this peer that the other does not list, and that would be among its own. */
  #missingAt(teller: Member, listed: ReadonlySet<Mark>, dead: ReadonlySet<Mark>, size: number): Member[] {
    const unlisted = this.#surroundings.leaves.filter(({ id }) => id !== teller.id && !listed.has(markOf(id)))
    if (unlisted.length === 0) return unlisted
    // Whom it lists has a place there, unless found dead: beyond that nobody is worth a word.
    const there = [...listed].filter((mark) => !dead.has(mark)).map((mark) => ({ id: mark + markTail, peerId: "", addresses: [] }))
    return leavesOf(leafSetOf(teller.id, size, [...there, ...unlisted])).filter(({ peerId }) => peerId !== "")
  }

  #onFind(from: PeerId, body: ByteReader): Uint8Array {
    const { key, isJoining } = decodeFind(body)
    const knowledge = this.#knowledge()
    // Whom nobody has let in yet knows no way.
    if (knowledge === undefined || (this.#surroundings.presence !== "active" && knowledge.leaves.length === 0)) throw notMember()
    // Whoever wants to join is no member: if listed, then from an earlier life, or from its first steps.
    const excluded = new Set(isJoining ? [from] : [])
    const hops = hopsTowards(knowledge, key, excluded, namedHops)
    const isRoot = !hops.some(({ id }) => isCloser(key, id, knowledge.self.id))
    const named = isRoot ? knowledge.leaves.filter(({ peerId }) => !excluded.has(peerId)) : hops
    return encodeFindAnswer({ isRoot, named: this.#acquaintances.named(named) })
  }

  #onRow(body: ByteReader): Uint8Array {
    const row = decodeRow(body)
    this.#expectPlace()
    return encodeRowAnswer(this.#acquaintances.named(this.#acquaintances.prefixes.row(row)))
  }

  #onLeave(from: PeerId, body: ByteReader): Uint8Array {
    const { teller, statement } = decodeExchangeRequest(body)
    expectSender(from, teller)
    const { place } = this.#surroundings
    if (place === undefined) return nothing
    this.#acquaintances.dismiss(teller, inherited(place, teller.id, statement))
    return nothing
  }

  #expectPlace(): Place {
    const { place } = this.#surroundings
    if (place === undefined) throw notMember()
    return place
  }
}

function expectSender(from: PeerId, member: Member): void {
  if (member.peerId !== from) badArgument("peer id", `the sender's own, ${from}`, member.peerId)
}

function notMember(): P2PSipError {
  return new P2PSipError("P2PSIP_NOT_OPEN", "this peer is not a member of the overlay")
}
