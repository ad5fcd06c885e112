/** The questions of the Chord protocol, and what members told last. */
import type { ByteReader } from "../../src/codec.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import { PeerClient, farewellLimits } from "../../src/overlay/peer-client.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { FindAnswer, FindRequest, Notification, Report, Told } from "./messages.ts"
import {
  chordMethods, decodeAskAnswer, decodeFindAnswer, decodeNotifyAnswer, encodeAsk, encodeFind, encodeLost, encodeMissed, encodeNotification,
  encodeReport,
} from "./messages.ts"
import type { NotifyAnswer } from "./ring.ts"

const maxRemembered = 256

/** See the head of this file. */
export class NeighbourClient extends PeerClient {
  /** What members told last, so that they need not repeat it. */
  readonly #told = new Map<PeerId, Told>()

  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }) {
    super(components, chordMethods.ping)
  }

  /** What a member told last, if that is remembered. */
  lastTold(peerId: PeerId): Told | undefined {
    return this.#told.get(peerId)
  }

  /** Remembers what a member told unasked. */
  remember(peerId: PeerId, told: Told): void {
    this.#told.delete(peerId)
    this.#told.set(peerId, told)
    if (this.#told.size <= maxRemembered) return
    for (const oldest of this.#told.keys()) {
      this.#told.delete(oldest)
      return
    }
  }

  /** "What is around you?" */
  ask(member: Member): Promise<Outcome<Told>> {
    return this._attempt(member, async (signal) => {
      const known = this.#told.get(member.peerId)
      const ask = async (version: number) => decodeAskAnswer(await this._rpc.call(member, chordMethods.ask, encodeAsk(version), { signal }))
      const told = (await ask(known?.version ?? 0)) ?? known ?? (await ask(0))
      if (told !== undefined) this.remember(member.peerId, told)
      return told
    })
  }

  /** "I am your predecessor, I think." */
  notify(member: Member, notification: Notification): Promise<Outcome<NotifyAnswer>> {
    return this._attempt(member, async (signal) =>
      decodeNotifyAnswer(await this._rpc.call(member, chordMethods.notify, encodeNotification(notification), { signal })),
    )
  }

  /** "Who is directly before this key?" */
  find(member: Member, request: FindRequest): Promise<Outcome<FindAnswer>> {
    return this._attempt(member, async (signal) =>
      decodeFindAnswer(await this._rpc.call(member, chordMethods.find, encodeFind(request), { signal })),
    )
  }

  /** "I leave; these are the ones around me." */
  leave(member: Member, report: Report): Promise<Outcome<ByteReader>> {
    return this._attempt(member, (signal) =>
      this._rpc.call(member, chordMethods.leave, encodeReport(report), { ...farewellLimits, signal }),
    )
  }

  /** Tells, unasked, what has changed around this peer. */
  update(member: Member, report: Report): void {
    this._rpc.notify(member, chordMethods.update, encodeReport(report))
  }

  /** Tells of members that this peer looks for. */
  miss(member: Member, missed: readonly Member[]): void {
    this._rpc.notify(member, chordMethods.missed, encodeMissed(missed))
  }

  /** Tells that a neighbour was found dead. */
  lost(member: Member, dead: Member): void {
    this._rpc.notify(member, chordMethods.lost, encodeLost(dead))
  }
}
