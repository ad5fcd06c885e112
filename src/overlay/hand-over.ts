/**
 * What a leaving peer does for its keys, and for those who will answer for them.
 *
 * Before it goes, its heirs get all that it owns; once it answers for nothing
 * any more, they get what changed in the meantime.
 */
import { isP2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import { pause } from "../runtime/pause.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Custodian } from "./custodian.ts"
import type { Lead } from "./custody.ts"
import { trailsFollowed } from "./custody.ts"
import type { KeyRange, Member } from "./key-based-routing.ts"
import { wholeRing } from "./key-range.ts"
import { isCallFailure } from "./replica-queue.ts"
import type { Synchroniser } from "./synchroniser.ts"
import type { Difference, Transfer } from "./transfer.ts"

export interface HandOverComponents {
  readonly runtime: Runtime
  readonly custodian: Custodian
  readonly synchroniser: Synchroniser
  readonly transfer: Transfer
}

/** What a leaving peer owned, and its neighbours, nearest first: the first ones take over. */
export interface Legacy {
  readonly ranges: readonly KeyRange[]
  readonly heirs: readonly Member[]
}

/** What a member says when it is asked whether it stays. */
type Answer = "stays" | "goes" | "silent"

/** Until somebody who was silent is asked again: its connection may have broken. */
const askAgainMs = 500
/** Pages of one comparison before it counts as failed: nobody shall keep this peer busy for ever. */
const maxPages = 4096
/** From trail to trail. */
const maxDepth = 8

/** See the head of this file. */
export class HandOver {
  readonly #components: HandOverComponents

  constructor(components: HandOverComponents) {
    this.#components = components
  }

  /** As of now; there is none any more once the routing has left. */
  get legacy(): Legacy {
    const { ranges, neighbours } = this.#components.custodian.custody
    return { ranges, heirs: neighbours }
  }

  /**
   * Gives the heirs of this peer all that it owns: those members that will be
   * replicas once it is gone and are not about to go themselves. Resolves when
   * they have it, or the signal fires.
   */
  async begin(signal: AbortSignal): Promise<void> {
    const { transfer, synchroniser, custodian } = this.#components
    transfer.beginLeaving()
    // What was copied once may since have lost a change that too few replicas confirmed: compare all, once more.
    synchroniser.forgetCopies()
    // At once, whatever there is: what comes next may take longer than there is time, and this may be the only copy.
    const first = this.#bequeathCopies(custodian.custody.neighbours, signal)
    const failed = new Set<PeerId>()
    for (;;) {
      await synchroniser.settled(signal)
      const extra = 1 + failed.size
      const heirs = synchroniser.holders(extra).filter((member) => !failed.has(member.peerId))
      const next = heirs.find((member) => !synchroniser.isCopied(member.peerId))
      if (next === undefined || signal.aborted || custodian.isStopped) break
      if ((await this.#ask(next, signal)) !== "stays" || !(await synchroniser.level(next, extra, signal))) failed.add(next.peerId)
    }
    await Promise.all([first, this.#followTrails(signal)])
    await this.#bequeathCopies(this.legacy.heirs.filter(({ peerId }) => !failed.has(peerId)), signal)
  }

  /**
   * Gets what there is of keys that this peer gave up before it had them:
   * whoever answers for them now will not be able to ask it any more.
   */
  async #followTrails(signal: AbortSignal): Promise<void> {
    const { custodian } = this.#components
    const asked = new Set<PeerId>([custodian.self.peerId])
    for (let depth = 0; depth < maxDepth && !signal.aborted && !custodian.isStopped; depth++) {
      const next = new Map(custodian.custody.trails.map(({ member }) => [member.peerId, member]))
      for (const peerId of asked) next.delete(peerId)
      if (next.size === 0) return
      for (const peerId of next.keys()) asked.add(peerId)
      await Promise.all([...next.values()].map((member) => this.#followTrail(member, signal)))
    }
  }

  async #followTrail(member: Member, signal: AbortSignal): Promise<void> {
    const { transfer, custodian } = this.#components
    const trails = custodian.custody.trails.filter((trail) => trail.member.peerId === member.peerId)
    const leads: Lead[] = []
    try {
      for (const { range } of trails) {
        let rest: KeyRange | undefined = range
        for (let page = 0; rest !== undefined && page < maxPages; page++) {
          const difference: Difference = await transfer.compare(member, rest, signal)
          await transfer.pull(member, difference.theirs, signal)
          leads.push(...difference.leads)
          rest = difference.upTo === rest.to ? undefined : { from: difference.upTo, to: rest.to }
        }
      }
      custodian.become(trailsFollowed(custodian.custody, trails, leads))
    } catch (error) {
      custodian.onFailure(member, error)
    }
  }

  /** Copies go to one who stays: their owner may be leaving too, or die before it misses them. */
  async #bequeathCopies(neighbours: readonly Member[], signal: AbortSignal): Promise<void> {
    await this.#give([[wholeRing]], neighbours, signal)
  }

  /**
   * Makes sure that heirs who stay have all there is: before this peer goes, if
   * it could not begin as it should, and once it answers for nothing any more,
   * for what changed during the hand-over. Heirs may have left in the meantime,
   * as this peer does.
   */
  async confirm({ ranges, heirs }: Legacy, signal: AbortSignal): Promise<void> {
    // Copies go to one of them as well: their owner may be leaving too, or die before it misses them.
    await this.#give([[wholeRing], ranges], heirs, signal)
  }

  /**
   * Gives each part to another of the heirs. All are asked at once whether they
   * stay, and those who answer first get it: some may be dead, and time is short.
   */
  async #give(parts: readonly (readonly KeyRange[])[], heirs: readonly Member[], signal: AbortSignal): Promise<void> {
    const staying = this.#staying(heirs, signal)
    await Promise.all(parts.map(async (part) => {
      for (let next = await staying.next(); next.done !== true; next = await staying.next()) {
        if (await this.#hasGot(next.value, part, signal)) return
      }
    }))
  }

  /** Those who stay, in the order of their answers. Who is silent is asked again as long as it counts as a neighbour. */
  async *#staying(members: readonly Member[], signal: AbortSignal): AsyncGenerator<Member, void, void> {
    const asked = new Map<Member, Promise<readonly [Member, Answer]>>()
    const ask = async (member: Member): Promise<readonly [Member, Answer]> => [member, await this.#ask(member, signal)]
    for (const member of members) asked.set(member, ask(member))
    while (asked.size > 0) {
      const [member, answer] = await Promise.race(asked.values())
      asked.delete(member)
      if (answer === "stays") yield member
      if (answer === "silent" && this.#isNeighbour(member)) asked.set(member, pause(this.#components.runtime, askAgainMs, signal).then(() => ask(member)))
    }
  }

  #isNeighbour({ peerId }: Member): boolean {
    const { custodian } = this.#components
    return !custodian.isStopped && custodian.custody.neighbours.some((neighbour) => neighbour.peerId === peerId)
  }

  async #hasGot(heir: Member, part: readonly KeyRange[], signal: AbortSignal): Promise<boolean> {
    try {
      for (const range of part) await this.#bequeath(heir, range, signal)
      return true
    } catch (error) {
      if (!isCallFailure(error)) throw error
      return false
    }
  }

  async #ask(member: Member, signal: AbortSignal): Promise<Answer> {
    const { transfer, custodian } = this.#components
    try {
      await transfer.requireStaying(member, signal)
      return "stays"
    } catch (error) {
      custodian.onFailure(member, error)
      // Nothing is heard any more once the time is up.
      return isP2PSipError(error, "P2PSIP_NOT_OPEN") || signal.aborted ? "goes" : "silent"
    }
  }

  async #bequeath(heir: Member, range: KeyRange, signal: AbortSignal): Promise<void> {
    const { transfer, custodian } = this.#components
    let rest: KeyRange | undefined = range
    for (let page = 0; rest !== undefined && page < maxPages && !custodian.isStopped; page++) {
      const { upTo, ours } = await transfer.compare(heir, rest, signal)
      await transfer.push(heir, ours, signal)
      rest = upTo === range.to ? undefined : { from: upTo, to: range.to }
    }
  }
}
