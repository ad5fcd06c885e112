/** The questions of the Kademlia protocol. */
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import { PeerClient, farewellLimits } from "../../src/overlay/peer-client.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Announcement, AnnouncementAnswer, Farewell, FindRequest } from "./messages.ts"
import {
  decodeAnnouncementAnswer, decodeMembers, encodeAnnouncement, encodeFarewell, encodeFind, encodeMembers, kademliaMethods,
} from "./messages.ts"

/** See the head of this file. */
export class NeighbourClient extends PeerClient {
  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }) {
    super(components, kademliaMethods.ping)
  }

  /** "This is me; whom close to me do I not know?" */
  announce(member: Member, announcement: Announcement): Promise<Outcome<AnnouncementAnswer>> {
    const body = encodeAnnouncement(announcement)
    return this._attempt(member, async (signal) =>
      decodeAnnouncementAnswer(await this._rpc.call(member, kademliaMethods.announce, body, { signal })),
    )
  }

  /** "Whom do you know that is close to this key?" */
  find(member: Member, request: FindRequest): Promise<Outcome<readonly Member[]>> {
    const body = encodeFind(request)
    return this._attempt(member, async (signal) => decodeMembers(await this._rpc.call(member, kademliaMethods.find, body, { signal })))
  }

  /** "I leave." */
  async leave(member: Member, farewell: Farewell): Promise<void> {
    const body = encodeFarewell(farewell)
    await this._attempt(member, (signal) => this._rpc.call(member, kademliaMethods.leave, body, { ...farewellLimits, signal }))
  }

  /** Tells that a member was found dead. */
  lost(member: Member, dead: Member): void {
    this._rpc.notify(member, kademliaMethods.lost, encodeMembers([dead]))
  }

  /** Names members that are out of sight, and may live in another overlay. */
  miss(member: Member, missed: readonly Member[]): void {
    this._rpc.notify(member, kademliaMethods.missed, encodeMembers(missed))
  }
}
