/**
 * Joining an overlay whose other peers may just be starting too, as after a
 * power failure: whoever finds nobody looks again, ever less often, before it
 * gives up.
 */
import { isP2PSipError } from "../errors.ts"
import { pause } from "../runtime/pause.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { P2PSipServlet } from "../servlet/index.ts"

export interface PatientJoin {
  readonly bootstrap: readonly string[]
  readonly patienceMs: number
  readonly signal?: AbortSignal
}

const firstPauseMs = 250
const maxPauseMs = 4_000

/** Resolves when the servlet has joined. Rejects as its `join` does; with `P2PSIP_BOOTSTRAP_FAILED` only after that time. */
export async function joinPatiently(
  { runtime, servlet }: { readonly runtime: Runtime; readonly servlet: Pick<P2PSipServlet, "join"> },
  { bootstrap, patienceMs, signal }: PatientJoin,
): Promise<void> {
  const giveUpAt = runtime.now() + patienceMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    try {
      await servlet.join(bootstrap, signal === undefined ? {} : { signal })
      return
    } catch (error) {
      if (!isP2PSipError(error) || error.code !== "P2PSIP_BOOTSTRAP_FAILED" || runtime.now() + pauseMs > giveUpAt) throw error
      runtime.log.warn({ error: error.message, pauseMs }, "nobody to join by answers yet; trying again")
    }
    await pause(runtime, pauseMs)
  }
}
