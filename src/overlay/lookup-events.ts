/** A look-up as it happens: the router's progress turned into events. */
import type { Runtime } from "../runtime/runtime.ts"
import type { LookupEvent } from "../servlet/types.ts"
import type { Id } from "./id.ts"
import { peerInfoOf } from "./router.ts"
import type { Router } from "./router.ts"
import type { Progress } from "./search.ts"

/** Yields what the search does, and `done` at its end; throws as `Router.run` does. */
export async function* lookupEvents(runtime: Runtime, router: Router, key: Id, signal: AbortSignal): AsyncGenerator<LookupEvent, void, void> {
  const startedAt = runtime.now()
  const events: LookupEvent[] = []
  let wake = (): void => undefined
  const emit = (event: LookupEvent): void => {
    events.push(event)
    wake()
  }
  const progress: Progress = {
    onHop: (member, hop) => emit({ name: "hop", peer: peerInfoOf(member), hop }),
    onAnswer: (member, rttMs, closer) => emit({ name: "answer", peer: peerInfoOf(member), rttMs, closer: closer.map(peerInfoOf) }),
    onTimeout: (member, waitedMs) => emit({ name: "timeout", peer: peerInfoOf(member), waitedMs }),
  }
  let failure: unknown
  let isEnded = false
  router.run(key, { kind: "lookup" }, signal, progress).then(
    ({ owner, answer, hops }) => {
      const replicas = answer.status === "done" ? answer.replicas.map(peerInfoOf) : []
      emit({ name: "done", owner: peerInfoOf(owner), replicas, values: answer.values, hops, elapsedMs: runtime.now() - startedAt })
    },
    (error: unknown) => {
      failure = error
    },
  ).finally(() => {
    isEnded = true
    wake()
  })
  for (;;) {
    const event = events.shift()
    if (event !== undefined) {
      yield event
      if (event.name === "done") return
    } else if (isEnded) {
      throw failure
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}
