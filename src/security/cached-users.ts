import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Soon } from "../soon.ts"
import type { UserDirectory, Verifiers } from "./users.ts"

/** What can be set on {@link CachedUsers}. */
export interface UserCacheOptions {
  /** How long a user is believed to be as found; a changed password is obeyed after that. @default 60 */
  readonly lifetimeSeconds?: number
  /** How long a user is believed not to exist. @default 5 */
  readonly absenceSeconds?: number
  /** Users remembered. @default 100000 */
  readonly maxUsers?: number
  /** Questions under way; more are refused with `P2PSIP_LIMIT`. @default 1000 */
  readonly maxPending?: number
  /** How long an answer may take; then the question fails with `P2PSIP_TIMEOUT`. @default 10000 */
  readonly timeoutMs?: number
}

interface Entry {
  readonly verifiers: Verifiers | undefined
  readonly validUntil: number
}

/** Remembers what a slow directory has told, and asks it one question at a time about each user. */
export class CachedUsers implements UserDirectory {
  readonly #runtime: Runtime
  readonly #directory: UserDirectory
  readonly #options: UserCacheOptions
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>()
  readonly #pending = new Map<string, Promise<Verifiers | undefined>>()

  constructor(components: { readonly runtime: Runtime; readonly directory: UserDirectory }, options: UserCacheOptions = {}) {
    this.#runtime = components.runtime
    this.#directory = components.directory
    this.#options = options
  }

  find(username: string, domain: string): Soon<Verifiers | undefined> {
    const name = `${username}@${domain}`
    const entry = this.#entries.get(name)
    if (entry !== undefined && this.#runtime.now() < entry.validUntil) return entry.verifiers
    const { maxPending = 1000 } = this.#options
    const pending = this.#pending.get(name)
    if (pending !== undefined) return pending
    if (this.#pending.size >= maxPending) throw new P2PSipError("P2PSIP_LIMIT", `${maxPending} users are being looked up: try again later`)
    const asked = this.#ask(name, username, domain)
    this.#pending.set(name, asked)
    return asked
  }

  async #ask(name: string, username: string, domain: string): Promise<Verifiers | undefined> {
    try {
      // Not before the caller has noted that the question is under way.
      await Promise.resolve()
      const verifiers = await this.#inTime(this.#directory.find(username, domain))
      this.#remember(name, verifiers)
      return verifiers
    } finally {
      this.#pending.delete(name)
    }
  }

  /** A program's directory may never answer: the places of its questions are needed, and phones want to hear something. */
  #inTime(answer: Soon<Verifiers | undefined>): Soon<Verifiers | undefined> {
    if (!(answer instanceof Promise)) return answer
    const { timeoutMs = 10_000 } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<Verifiers | undefined>()
    const timer = this.#runtime.setTimer(timeoutMs, () => reject(new P2PSipError("P2PSIP_TIMEOUT", `a directory of users has not answered for ${timeoutMs} ms`)))
    answer.then(resolve, reject).finally(() => timer.cancel())
    return promise
  }

  #remember(name: string, verifiers: Verifiers | undefined): void {
    const { lifetimeSeconds = 60, absenceSeconds = 5, maxUsers = 100_000 } = this.#options
    const seconds = verifiers === undefined ? absenceSeconds : lifetimeSeconds
    this.#entries.delete(name)
    this.#entries.set(name, { verifiers, validUntil: this.#runtime.now() + seconds * 1000 })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxUsers) return
      this.#entries.delete(oldest)
    }
  }
}
