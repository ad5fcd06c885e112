/** The questions of the Bamboo protocol. */
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import { PeerClient, farewellLimits } from "../../src/overlay/peer-client.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { ExchangeAnswer, ExchangeRequest, FindAnswer, FindRequest, Named } from "./messages.ts"
import {
  bambooMethods, decodeExchangeAnswer, decodeFindAnswer, decodeRowAnswer, encodeExchangeRequest, encodeFind, encodeMember, encodeMembers, encodeRow,
} from "./messages.ts"

/** See the head of this file. */
export class NeighbourClient extends PeerClient {
  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }) {
    super(components, bambooMethods.ping)
  }

  /** "This is my leaf set; what is yours?" */
  exchange(member: Member, request: ExchangeRequest): Promise<Outcome<ExchangeAnswer>> {
    const body = encodeExchangeRequest(request)
    return this._attempt(member, async (signal) => decodeExchangeAnswer(await this._rpc.call(member, bambooMethods.exchange, body, { signal })))
  }

  /** "Who is closest to this key?" */
  find(member: Member, request: FindRequest): Promise<Outcome<FindAnswer>> {
    const body = encodeFind(request)
    return this._attempt(member, async (signal) => decodeFindAnswer(await this._rpc.call(member, bambooMethods.find, body, { signal })))
  }

  /** "Whom have you in this row of your table?" */
  row(member: Member, row: number): Promise<Outcome<readonly Named[]>> {
    const body = encodeRow(row)
    return this._attempt(member, async (signal) => decodeRowAnswer(await this._rpc.call(member, bambooMethods.row, body, { signal })))
  }

  /** "I leave." */
  async leave(member: Member, farewell: ExchangeRequest): Promise<void> {
    const body = encodeExchangeRequest(farewell)
    await this._attempt(member, (signal) => this._rpc.call(member, bambooMethods.leave, body, { ...farewellLimits, signal }))
  }

  /** Tells that a member was found dead. */
  lost(member: Member, dead: Member): void {
    this._rpc.notify(member, bambooMethods.lost, encodeMember(dead))
  }

  /** Tells whom this peer misses, for others to look for as well. */
  miss(member: Member, missed: readonly Member[]): void {
    this._rpc.notify(member, bambooMethods.missed, encodeMembers(missed))
  }
}
