import type { Runtime } from "../../runtime/runtime.ts"
import type { Target } from "./target.ts"

const suspicionMs = 30_000
const maxSuspects = 1000

/** Places that did not do what they should have: tried last for half a minute (RFC 3263 §4.3), so that not every request finds out anew. */
export class Suspects {
  readonly #runtime: Runtime
  /** When each was caught, the one caught longest ago first. */
  readonly #since = new Map<string, number>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  add(target: Target): void {
    const name = nameOf(target)
    this.#since.delete(name)
    this.#since.set(name, this.#runtime.now())
    if (this.#since.size <= maxSuspects) return
    const [oldest] = this.#since.keys()
    if (oldest !== undefined) this.#since.delete(oldest)
  }

  /** The same targets, suspects behind all others. */
  last(targets: readonly Target[]): readonly Target[] {
    if (this.#since.size === 0 || targets.length < 2) return targets
    const suspect = targets.filter((target) => this.#has(target))
    return suspect.length === 0 ? targets : [...targets.filter((target) => !suspect.includes(target)), ...suspect]
  }

  #has(target: Target): boolean {
    const name = nameOf(target)
    const since = this.#since.get(name)
    if (since === undefined) return false
    if (this.#runtime.now() - since < suspicionMs) return true
    this.#since.delete(name)
    return false
  }
}

function nameOf({ protocol, host, port }: Target): string {
  return `${protocol} ${host} ${port}`
}
