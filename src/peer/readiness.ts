/** Whether this peer serves: a put and a get just worked. An open port alone says nothing. */
import type { Runtime } from "../runtime/runtime.ts"
import type { P2PSipServlet } from "../servlet/index.ts"

export interface ReadinessComponents {
  readonly runtime: Runtime
  readonly servlet: Pick<P2PSipServlet, "put" | "get">
}

export interface ReadinessOptions {
  /** How long an answer is good for. @default 1000 */
  readonly cacheMs?: number
  /** How long a put and a get may take together. @default 3000 */
  readonly timeoutMs?: number
}

/** The result of one trial. */
export interface Readiness {
  readonly ready: boolean
  /** Why not. */
  readonly reason?: string
  readonly elapsedMs: number
}

const ttlSeconds = 60

/** See the head of this file. */
export class ReadinessProbe {
  readonly #components: ReadinessComponents
  readonly #cacheMs: number
  readonly #timeoutMs: number
  /** This peer's own: many peers that try one key would measure each other. */
  readonly #key: Uint8Array
  #last: { readonly at: number; readonly result: Promise<Readiness> } | undefined

  constructor(components: ReadinessComponents, options: ReadinessOptions = {}) {
    this.#components = components
    this.#cacheMs = options.cacheMs ?? 1000
    this.#timeoutMs = options.timeoutMs ?? 3000
    this.#key = Buffer.concat([Buffer.from("p2psip:ready:"), components.runtime.random.bytes(16)])
  }

  /** Tries, or tells what a trial of a moment ago has shown. Never rejects. */
  check(): Promise<Readiness> {
    const now = this.#components.runtime.now()
    if (this.#last === undefined || now - this.#last.at >= this.#cacheMs) this.#last = { at: now, result: this.#try(now) }
    return this.#last.result
  }

  async #try(startedAt: number): Promise<Readiness> {
    const { runtime, servlet } = this.#components
    const patience = new AbortController()
    const timer = runtime.setTimer(this.#timeoutMs, () => patience.abort())
    const value = runtime.random.bytes(8)
    const options = { signal: patience.signal }
    try {
      await servlet.put(this.#key, value, { ...options, valueHash: "ready", ttlSeconds })
      const [found] = await servlet.get(this.#key, options)
      if (found === undefined || Buffer.compare(found.value, value) !== 0) throw new Error("the value that was put is not the one that came back")
      return { ready: true, elapsedMs: runtime.now() - startedAt }
    } catch (error) {
      const reason = patience.signal.aborted ? `no answer within ${this.#timeoutMs} ms` : error instanceof Error ? error.message : String(error)
      return { ready: false, reason, elapsedMs: runtime.now() - startedAt }
    } finally {
      timer.cancel()
    }
  }
}
