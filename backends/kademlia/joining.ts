/** How a peer becomes a member. */
import type { ErrorCode } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import { bootstrapFailed, expectJoinTime, joinPause } from "../../src/overlay/joining.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Acquaintances } from "./acquaintances.ts"
import type { Siblings } from "./siblings.ts"
import { wholeSubtrees } from "./siblings.ts"
import { closestOf } from "./xor.ts"

export interface JoiningComponents {
  readonly runtime: Runtime
  readonly siblings: Siblings
  readonly acquaintances: Acquaintances
  readonly self: Member
}

export interface JoiningSettings {
  readonly joinTimeoutMs: number
  readonly minNeighbours: number
}

/**
 * Joins the overlay that one of the contacts belongs to. Finds the peers
 * closest to this one, and announces itself to them and to whomever they name.
 * Each of them gives up what is ours the instant it hears of us, and names
 * those that were there before; so when all have answered, nobody else answers
 * for our keys, and we begin to.
 *
 * Rejects with `P2PSIP_BOOTSTRAP_FAILED`, `P2PSIP_TIMEOUT` or
 * `P2PSIP_ABORTED`; those that list this peer have to be told then.
 */
export async function joinOverlay(
  components: JoiningComponents,
  contacts: readonly Member[],
  settings: JoiningSettings,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, siblings, acquaintances, self } = components
  const deadline = runtime.now() + settings.joinTimeoutMs
  const checkTime = (): void => expectJoinTime(runtime, deadline, signal)
  siblings.begin()
  for (;;) {
    const { closest, failures } = await acquaintances.lookUp(self.id, contacts, signal)
    checkTime()
    if (closest.length === 0) {
      if (!isWorthWaiting(contacts, failures)) throw bootstrapFailed("Kademlia", contacts, failures)
    } else {
      const sources = await announceToAll(components, closest, new Set(failures.keys()), settings, checkTime)
      if (sources.length > 0) return siblings.activate(sources)
    }
    await joinPause(runtime)
    checkTime()
  }
}

/**
 * Tells all that matter of this peer. Results in those of them that have the
 * records of their keys, and so of ours; none if nobody has.
 *
 * Who joins as well, or has no records yet, is told, but not counted on: of two
 * groups that join side by side each would know but itself, and in a row of
 * joiners each would learn from the one before that there is nothing.
 */
async function announceToAll(
  { siblings, acquaintances, self }: JoiningComponents,
  closest: readonly Member[],
  failed: Set<PeerId>,
  { minNeighbours }: JoiningSettings,
  checkTime: () => void,
): Promise<readonly Member[]> {
  const named = new Map(closest.map((member) => [member.peerId, member]))
  const answered = new Set<PeerId>()
  const incomplete = new Set<PeerId>()
  for (;;) {
    // Others may be joining beside us: who announces itself to us is told of us as well.
    for (const member of siblings.members) named.set(member.peerId, member)
    const live = [...named.values()].filter(({ id, peerId }) => id !== self.id && !failed.has(peerId))
    const nearest = nearestWitnessed(self.id, closestOf(self.id, live, live.length), minNeighbours, incomplete)
    const untold = nearest.filter(({ peerId }) => !answered.has(peerId))
    if (untold.length === 0) return nearest.filter(({ peerId }) => !incomplete.has(peerId))
    await Promise.all(
      untold.map(async (member) => {
        const outcome = await acquaintances.announce(member)
        if (outcome.kind !== "answered") return void failed.add(member.peerId)
        answered.add(member.peerId)
        if (!outcome.answer.isComplete) incomplete.add(member.peerId)
        for (const other of outcome.answer.members) if (!named.has(other.peerId)) named.set(other.peerId, other)
      }),
    )
    checkTime()
  }
}

/** Whole subtrees, closest first, until they hold `count` that are not known to be incomplete. */
function nearestWitnessed(self: Id, ordered: readonly Member[], count: number, incomplete: ReadonlySet<PeerId>): readonly Member[] {
  let members = 0
  const reach = ordered.findIndex(({ peerId }) => !incomplete.has(peerId) && ++members === count)
  return reach < 0 ? ordered : wholeSubtrees(self, ordered, reach + 1)
}

/** A contact that is up, but not a member yet, may be one soon. */
function isWorthWaiting(contacts: readonly Member[], failures: ReadonlyMap<PeerId, ErrorCode>): boolean {
  return contacts.some(({ peerId }) => failures.get(peerId) === "P2PSIP_NOT_OPEN")
}
