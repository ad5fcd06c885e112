/** What a member answers to the others: the passive half of the protocol. */
import type { ByteReader } from "../../src/codec.ts"
import { P2PSipError, badArgument } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Acquaintances } from "./acquaintances.ts"
import {
  decodeAnnouncement, decodeFarewell, decodeFind, decodeMembers, encodeAnnouncementAnswer, encodeMembers, kademliaMethods,
  shortIdDigits,
} from "./messages.ts"
import type { Siblings } from "./siblings.ts"

export interface AnswersComponents {
  readonly siblings: Siblings
  readonly acquaintances: Acquaintances
  /** How many members close to an announcer are looked through for those that it does not know. */
  readonly maxSiblings: number
}

const nothing = new Uint8Array()

/** See the head of this file. */
export class Answers {
  readonly #siblings: Siblings
  readonly #acquaintances: Acquaintances
  readonly #maxSiblings: number

  constructor(rpc: Rpc, { siblings, acquaintances, maxSiblings }: AnswersComponents) {
    this.#siblings = siblings
    this.#acquaintances = acquaintances
    this.#maxSiblings = maxSiblings
    const { ping, announce, find, leave, lost } = kademliaMethods
    rpc.handle(ping, () => this.#onPing())
    rpc.handle(announce, (from, body) => this.#onAnnounce(from, body))
    rpc.handle(find, (from, body) => this.#onFind(from, body))
    rpc.handle(leave, (from, body) => this.#onLeave(from, body))
    rpc.onNotification(lost, (_from, body) => {
      for (const { peerId } of decodeMembers(body)) this.#acquaintances.suspect(peerId)
    })
  }

  #onPing(): Uint8Array {
    this.#expectPresence()
    return nothing
  }

  /** From this moment on the announcer is known here, and its keys are not answered for any more. */
  #onAnnounce(from: PeerId, body: ByteReader): Uint8Array {
    const { member, isActive, isComplete, hadLost, known } = decodeAnnouncement(body)
    expectSender(from, member)
    this.#expectPresence()
    const hasLost = this.#acquaintances.heardAnnouncement(member, isComplete)
    if (hadLost) this.#siblings.renew()
    const isKnown = new Set(known)
    const close = this.#acquaintances.closestHeard(member.id, this.#maxSiblings, new Set([from]))
    const members = close.filter(({ id }) => !isKnown.has(id.slice(0, shortIdDigits)))
    const { presence, isComplete: isOwnComplete } = this.#siblings
    return encodeAnnouncementAnswer({ isActive: presence === "active", isComplete: isOwnComplete, hadLost: isActive && hasLost, members })
  }

  #onFind(from: PeerId, body: ByteReader): Uint8Array {
    const { key, count, asker } = decodeFind(body)
    if (asker !== undefined) expectSender(from, asker)
    this.#expectPresence()
    if (asker === undefined) {
      this.#acquaintances.forgetEarlierLife(from)
      return encodeMembers(this.#acquaintances.closestComplete(key, count, from))
    }
    this.#acquaintances.heard(asker)
    return encodeMembers(this.#acquaintances.closest(key, count, new Set([from])))
  }

  #onLeave(from: PeerId, body: ByteReader): Uint8Array {
    const { leaver, members } = decodeFarewell(body)
    expectSender(from, leaver)
    if (this.#siblings.presence === "absent") return nothing
    this.#acquaintances.remove(leaver, "left")
    this.#acquaintances.pursue(members)
    return nothing
  }

  #expectPresence(): void {
    if (this.#siblings.presence === "absent") throw new P2PSipError("P2PSIP_NOT_OPEN", "this peer is not a member of the overlay")
  }
}

function expectSender(from: PeerId, member: Member): void {
  if (member.peerId !== from) badArgument("peer id", `the sender's own, ${from}`, member.peerId)
}
