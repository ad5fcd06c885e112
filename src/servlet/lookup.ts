/** A backend's look-up, made to end: in time, with `done` or `failed`. */
import type { Runtime } from "../runtime/runtime.ts"
import { codeOf } from "./pending.ts"
import type { PendingOperations } from "./pending.ts"
import type { LookupEvent } from "./types.ts"

/**
 * Passes the events of `find` on. Errors, time-out and abort become a last
 * event `failed`; when the reader stops early, the backend's work is called off.
 */
export async function* followLookup(
  runtime: Runtime,
  pending: PendingOperations,
  find: (signal: AbortSignal) => AsyncIterable<LookupEvent>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LookupEvent, void, void> {
  const startedAt = runtime.now()
  const controller = new AbortController()
  const events: LookupEvent[] = []
  let wake = (): void => undefined
  let hops = 0
  let ended = false
  const collect = async (): Promise<void> => {
    for await (const event of find(controller.signal)) {
      if (controller.signal.aborted) return
      events.push(event)
      wake()
      if (event.name === "done" || event.name === "failed") return
    }
    throw new Error("the backend's look-up ended without done or failed")
  }
  const work = pending.run("lookup", signal, collect).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    events.push({ name: "failed", code: codeOf(error), message, hops, elapsedMs: runtime.now() - startedAt })
  })
  void work.then(() => {
    ended = true
    wake()
  })
  try {
    for (;;) {
      const event = events.shift()
      if (event !== undefined) {
        if (event.name === "hop") hops = Math.max(hops, event.hop)
        yield event
        if (event.name === "done" || event.name === "failed") return
      } else if (ended) {
        return
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    controller.abort()
  }
}
