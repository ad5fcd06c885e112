/** Becoming a member: find the place, take it, and go on until the successor has accepted. */
import { bootstrapFailed, expectJoinTime, joinPause } from "../../src/overlay/joining.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { ChordSettings } from "./options.ts"
import type { Place, SearchResult } from "./place-finder.ts"
import { findPlace } from "./place-finder.ts"
import { isPlaceOf, join, successorOf } from "./ring.ts"
import type { Stabilizer } from "./stabilizer.ts"
import type { Surroundings } from "./surroundings.ts"

export interface JoiningComponents {
  readonly runtime: Runtime
  readonly surroundings: Surroundings
  readonly client: NeighbourClient
  readonly stabilizer: Stabilizer
  readonly self: Member
}

/**
 * Joins the ring that one of the contacts belongs to. Resolves, once accepted,
 * with the member whose place is directly before. Rejects with
 * `P2PSIP_BOOTSTRAP_FAILED`, `P2PSIP_TIMEOUT` or `P2PSIP_ABORTED`, and is no
 * member then.
 */
export async function joinRing(
  components: JoiningComponents,
  contacts: readonly Member[],
  settings: ChordSettings,
  signal: AbortSignal,
): Promise<Member> {
  const { runtime, surroundings, stabilizer, self } = components
  const deadline = runtime.now() + settings.joinTimeoutMs
  try {
    for (;;) {
      const { member, told } = await searchPlace(components, contacts, deadline, signal)
      surroundings.set(join(self, settings.successors, member, told, surroundings.version))
      while (surroundings.ring.successors.length > 0) {
        await stabilizer.run()
        // Who answers for keys is a member, and leaves as members do if it is called off now.
        if (surroundings.ring.accepted && surroundings.ring.successors.length > 0) return member
        expectJoinTime(runtime, deadline, signal)
        await joinPause(runtime)
      }
      // Everybody listed has died meanwhile: begin anew.
      surroundings.set(undefined)
    }
  } catch (error) {
    if (surroundings.isMember) withdraw(components)
    throw error
  }
}

/** Others may know this peer by now, and may have granted it keys: they need not find out by its silence that it is gone. */
function withdraw({ surroundings, client, self }: JoiningComponents): void {
  const { ring, told } = surroundings
  surroundings.set(undefined)
  for (const member of new Set([successorOf(ring), ring.predecessor])) {
    if (member.id !== self.id) void client.leave(member, { teller: self, told })
  }
}

async function searchPlace(
  { runtime, client, self }: JoiningComponents,
  contacts: readonly Member[],
  deadline: number,
  signal: AbortSignal,
): Promise<Place> {
  for (;;) {
    const result = await findPlace(client, self.id, contacts, { isJoining: true, signal })
    expectJoinTime(runtime, deadline, signal)
    if (result.kind === "found" && isPlaceOf(result.place.member, result.place.told, self.id)) return result.place
    if (result.kind === "failed" && !isWorthWaiting(result, contacts)) throw bootstrapFailed("Chord", contacts, result.failures)
    await joinPause(runtime)
  }
}

/** A contact that is up, but not a member yet, may be one soon. */
function isWorthWaiting(result: SearchResult & { kind: "failed" }, contacts: readonly Member[]): boolean {
  return contacts.some(({ peerId }) => {
    const code = result.failures.get(peerId)
    return code === undefined || code === "P2PSIP_NOT_OPEN"
  })
}
