/** Waiting for time to pass. */
import type { Runtime } from "./runtime.ts"

/** Resolves after `ms` milliseconds, or when the signal fires; what that means is the caller's to say. */
export function pause(runtime: Runtime, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel()
      signal?.removeEventListener("abort", end)
      resolve()
    }
    const timer = runtime.setTimer(signal?.aborted === true ? 0 : ms, end)
    signal?.addEventListener("abort", end)
  })
}
