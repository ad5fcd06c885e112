/** What every backend's way of joining needs: its patience, and how it says that it has none left. */
import type { ErrorCode } from "../errors.ts"
import { P2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import { pause } from "../runtime/pause.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Member } from "./key-based-routing.ts"

/** Between two attempts, on average. */
const retryMs = 100

/** Throws `P2PSIP_ABORTED` or `P2PSIP_TIMEOUT` when a join must not go on. */
export function expectJoinTime(runtime: Runtime, deadline: number, signal: AbortSignal): void {
  if (signal.aborted) throw new P2PSipError("P2PSIP_ABORTED", "the join was aborted")
  if (runtime.now() > deadline) {
    throw new P2PSipError("P2PSIP_TIMEOUT", "expected the overlay to accept this peer within joinTimeoutMs, found no stable place; try again")
  }
}

/** Resolves when it is time for the next attempt. */
export function joinPause(runtime: Runtime): Promise<void> {
  return pause(runtime, retryMs * (0.5 + runtime.random.float()))
}

/** `P2PSIP_BOOTSTRAP_FAILED`: what each of the contacts did instead of answering. */
export function bootstrapFailed(backend: string, contacts: readonly Member[], failures: ReadonlyMap<PeerId, ErrorCode>): P2PSipError {
  const tried = contacts.map(({ peerId }) => `${peerId} (${failures.get(peerId) ?? "no answer"})`).join(", ")
  return new P2PSipError("P2PSIP_BOOTSTRAP_FAILED", `expected a bootstrap peer to answer as a ${backend} member, tried ${tried}`)
}
