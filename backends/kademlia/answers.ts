/** What a member answers to the others: the passive half of the protocol. */
import type { ByteReader } from "../../src/codec.ts"
import { P2PSipError, badArgument } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Acquaintances } from "./acquaintances.ts"
import {
  decodeAnnouncement, decodeFarewell, decodeFind, decodeMembers, encodeAnnouncementAnswer, encodeMembers, kademliaMethods,
} from "./messages.ts"
import type { Siblings } from "./siblings.ts"

export interface AnswersComponents {
  readonly siblings: Siblings
  readonly acquaintances: Acquaintances
}

const nothing = new Uint8Array()

/** See the head of this file. */
export class Answers {
  readonly #siblings: Siblings
  readonly #acquaintances: Acquaintances

  constructor(rpc: Rpc, { siblings, acquaintances }: AnswersComponents) {
    this.#siblings = siblings
    this.#acquaintances = acquaintances
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
    const { isActive, isComplete, verdict, digest, details } = decodeAnnouncement(body)
    if (details !== undefined) expectSender(from, details.member)
    this.#expectPresence()
    const { lists } = this.#acquaintances
    const heard = details === undefined ? lists.recall(from, digest) : lists.remember(digest, details.member, details.known)
    const verdictOnIt = heard === undefined ? 0 : this.#acquaintances.heardAnnouncement(heard.member, { isActive, isComplete })
    if (heard !== undefined && this.#acquaintances.verdicts.isNew(from, verdict)) this.#siblings.renew()
    return encodeAnnouncementAnswer({
      isActive: this.#siblings.presence === "active",
      isComplete: this.#siblings.isComplete,
      verdict: isActive ? verdictOnIt : 0,
      wantsDetails: heard === undefined,
      members: heard === undefined ? [] : this.#acquaintances.closeToAnnouncer(heard),
    })
  }

  #onFind(from: PeerId, body: ByteReader): Uint8Array {
    const { key, count, asker } = decodeFind(body)
    if (asker !== undefined) expectSender(from, asker)
    this.#expectPresence()
    if (asker === undefined) {
      this.#acquaintances.forgetEarlierLife(from)
      return encodeMembers(this.#acquaintances.closestComplete(key, count, from))
    }
    this.#acquaintances.heardActive(asker)
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
