/** Tells changes around this peer to those whom they concern, unasked, a burst of them at once. */
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { Ring } from "./ring.ts"
import { sameMembers } from "./ring.ts"
import type { Surroundings } from "./surroundings.ts"

/** A change waits for company at most this long. */
const maxDelayMs = 50

export interface AnnouncerComponents {
  readonly runtime: Runtime
  readonly surroundings: Surroundings
  readonly client: NeighbourClient
  readonly isDoubtful: (peerId: PeerId) => boolean
}

/** See the head of this file. */
export class Announcer {
  readonly #components: AnnouncerComponents
  readonly #targets = new Map<PeerId, Member>()
  #timer: Timer | undefined

  constructor(components: AnnouncerComponents) {
    this.#components = components
  }

  /** Whoever is before this peer derives its list from ours, and may wait for a grant; a former predecessor has a new successor. */
  onChange(before: Ring, after: Ring): void {
    const isNewList = !sameMembers(before.successors, after.successors)
    if (isNewList || before.accepted !== after.accepted) this.#tell(after.predecessor)
    if (before.predecessor.id !== after.predecessor.id) this.#tell(before.predecessor)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #tell(member: Member): void {
    const { runtime } = this.#components
    this.#targets.set(member.peerId, member)
    this.#timer ??= runtime.setTimer(maxDelayMs * runtime.random.float(), () => this.#flush())
  }

  #flush(): void {
    const { surroundings, client, isDoubtful } = this.#components
    this.#timer = undefined
    const targets = [...this.#targets.values()]
    this.#targets.clear()
    if (!surroundings.isMember) return
    const { ring, told } = surroundings
    for (const member of targets) {
      if (member.id !== ring.self.id && !isDoubtful(member.peerId)) client.update(member, { teller: ring.self, told })
    }
  }
}
