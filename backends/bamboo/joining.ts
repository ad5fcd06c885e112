/** How a peer becomes a member: route to the own id, then ping what the answer names; nothing cleverer. */
import type { ErrorCode } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import { bootstrapFailed, expectJoinTime, joinPause } from "../../src/overlay/joining.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Acquaintances } from "./acquaintances.ts"
import type { BambooSettings } from "./options.ts"
import { acceptAnyway, begin } from "./place.ts"
import { findRoot } from "./search.ts"
import type { Surroundings } from "./surroundings.ts"

/** After so long without a grant a peer takes its keys all the same: the last that had keys to grant may have died. */
const maxWaitMs = 10_000

export interface JoiningComponents {
  readonly runtime: Runtime
  readonly surroundings: Surroundings
  readonly acquaintances: Acquaintances
  readonly self: Member
}

/**
 * Joins the overlay that one of the contacts belongs to. Resolves once both
 * adjacent leaves have granted this peer its keys. Rejects with
 * `P2PSIP_BOOTSTRAP_FAILED`, `P2PSIP_TIMEOUT` or `P2PSIP_ABORTED`; those that
 * list this peer have to be told then.
 */
export async function joinOverlay(
  components: JoiningComponents,
  contacts: readonly Member[],
  settings: BambooSettings,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, surroundings, acquaintances, self } = components
  const deadline = runtime.now() + settings.joinTimeoutMs
  surroundings.set(begin(self.id, settings.leavesPerSide))
  for (;;) {
    const ask = (member: Member) => acquaintances.ask(member, { key: self.id, isJoining: true })
    const result = await findRoot(ask, self.id, contacts, signal)
    expectJoinTime(runtime, deadline, signal)
    if (result.kind === "failed") {
      if (!isWorthWaiting(contacts, result.failures)) throw bootstrapFailed("Bamboo", contacts, result.failures)
    } else {
      await acquaintances.exchange(result.root)
      acquaintances.pursue(result.named)
      await waitForGrants(components, contacts, () => expectJoinTime(runtime, deadline, signal))
      if (surroundings.presence === "active") return
    }
    await joinPause(runtime)
    expectJoinTime(runtime, deadline, signal)
  }
}

/** Until both ends are granted, or nobody is left who could. */
async function waitForGrants({ runtime, surroundings }: JoiningComponents, contacts: readonly Member[], checkTime: () => void): Promise<void> {
  const since = runtime.now()
  for (;;) {
    const { place, presence, leaves } = surroundings
    // Who answers for keys is a member, and leaves as members do if it is called off now.
    if (place === undefined || presence === "active" || leaves.length === 0) return
    checkTime()
    if (runtime.now() - since > maxWaitMs) surroundings.set(acceptAnyway(place, contacts[0]))
    else await joinPause(runtime)
  }
}

/**
 * A contact that is up, but not a member yet, may be one soon. And where one
 * has answered, but nobody whom it named says that it is the root, the root has
 * just gone: that will be noticed.
 */
function isWorthWaiting(contacts: readonly Member[], failures: ReadonlyMap<PeerId, ErrorCode>): boolean {
  return contacts.some(({ peerId }) => !failures.has(peerId) || failures.get(peerId) === "P2PSIP_NOT_OPEN")
}
