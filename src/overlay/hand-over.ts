/**
 * What a leaving peer does for its keys, and for those who will answer for them.
 *
 * Before it goes, its heirs get all that it owns; once it answers for nothing
 * any more, they get what changed in the meantime.
 */
import type { KeyRange, Member } from "./key-based-routing.ts"
import type { PeerId } from "../link/link.ts"
import { wholeRing } from "./key-range.ts"
import { isCallFailure } from "./replica-queue.ts"
import type { Synchroniser } from "./synchroniser.ts"
import type { Transfer } from "./transfer.ts"

export interface HandOverComponents {
  readonly synchroniser: Synchroniser
  readonly transfer: Transfer
}

/** What a leaving peer owned, and its neighbours, nearest first: the first ones take over. */
export interface Legacy {
  readonly ranges: readonly KeyRange[]
  readonly heirs: readonly Member[]
}

/** As many as confirm a change. */
const heirsToConfirm = 2
/** Pages of one comparison before it counts as failed: nobody shall keep this peer busy for ever. */
const maxPages = 4096

/** See the head of this file. */
export class HandOver {
  readonly #components: HandOverComponents

  constructor(components: HandOverComponents) {
    this.#components = components
  }

  /**
   * Gives the heirs of this peer all that it owns: those members that will be
   * replicas once it is gone and are not about to go themselves. Resolves when
   * they have it, or the signal fires; then `Legacy` tells what they got.
   */
  async begin(signal: AbortSignal): Promise<Legacy> {
    const { transfer, synchroniser } = this.#components
    transfer.beginLeaving()
    // What was copied once may since have lost a change that too few replicas confirmed: compare all, once more.
    synchroniser.forgetCopies()
    const failed = new Set<PeerId>()
    for (;;) {
      const extra = 1 + failed.size
      const heirs = synchroniser.holders(extra).filter((member) => !failed.has(member.peerId))
      const next = heirs.find((member) => !synchroniser.isCopied(member.peerId))
      if (next === undefined || signal.aborted || synchroniser.isStopped) {
        const { ranges, neighbours } = synchroniser.surroundings
        return { ranges, heirs: neighbours }
      }
      const isStaying = await this.#isStaying(next, signal)
      if (!isStaying || !(await synchroniser.level(next, extra, signal))) failed.add(next.peerId)
    }
  }

  /**
   * Once this peer answers for nothing any more: makes sure that heirs who stay
   * have what changed during the hand-over. Heirs may have left in the meantime,
   * as this peer does.
   */
  async confirm({ ranges, heirs }: Legacy, signal: AbortSignal): Promise<void> {
    let confirmed = 0
    await new Promise<void>((resolve, reject) => {
      // All are asked at once, and those who answer first get it: some may be dead, and time is short.
      const asked = heirs.map(async (heir) => {
        if (!(await this.#isStaying(heir, signal)) || confirmed >= heirsToConfirm) return
        // Copies go to one of them as well: their owner may be leaving too, or die before it misses them.
        const legacy = confirmed++ === 0 ? [wholeRing] : ranges
        try {
          for (const range of legacy) await this.#bequeath(heir, range, signal)
          if (confirmed >= heirsToConfirm) resolve()
        } catch (error) {
          if (!isCallFailure(error)) throw error
          confirmed--
        }
      })
      Promise.all(asked).then(() => resolve(), reject)
    })
  }

  async #isStaying(member: Member, signal: AbortSignal): Promise<boolean> {
    const { transfer, synchroniser } = this.#components
    try {
      await transfer.requireStaying(member, signal)
      return true
    } catch (error) {
      synchroniser.onFailure(member, error)
      return false
    }
  }

  async #bequeath(heir: Member, range: KeyRange, signal: AbortSignal): Promise<void> {
    const { transfer, synchroniser } = this.#components
    let rest: KeyRange | undefined = range
    for (let page = 0; rest !== undefined && page < maxPages && !synchroniser.isStopped; page++) {
      const { upTo, ours } = await transfer.compare(heir, rest, signal)
      await transfer.push(heir, ours, signal)
      rest = upTo === range.to ? undefined : { from: upTo, to: range.to }
    }
  }
}
