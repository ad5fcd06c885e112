/** What the choices of next hops are made from, as it is at the moment when it is read. */
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import type { Recent } from "../../src/overlay/recent.ts"
import type { Knowledge } from "./next-hop.ts"
import type { Surroundings } from "./surroundings.ts"

/** One object for all look-ups: it is read for every key. */
export function knowledgeOf(
  surroundings: Surroundings,
  membership: Membership,
  doubts: Recent<PeerId>,
  fingers: () => readonly Member[],
): Knowledge {
  return {
    get ring() {
      return surroundings.ring
    },
    get predecessors() {
      return surroundings.predecessors
    },
    get fingers() {
      return fingers()
    },
    get isTableComplete() {
      return membership.isComplete
    },
    table: membership.table,
    isDoubtful: (peerId) => doubts.has(peerId),
  }
}
