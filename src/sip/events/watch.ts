/** One address-of-record of one package that somebody watches: when it is looked at, and who is told. */
import type { Runtime, Timer } from "../../runtime/runtime.ts"
import type { EventPackage, EventState } from "./event-package.ts"

/** RFC 3680 §4.10, RFC 3856 §6.10: nobody is told more often. So nobody needs to be looked up more often. */
const lookEveryMs = 5_000
/** Look-ups of all that is watched are this far apart on the average, however much it is. */
const lookSpacingMs = 5

/** Who watches. */
export interface Watcher {
  /** Tells what the latest look has changed. */
  notify(): void
}

/** See the head of this file. */
export class Watch {
  readonly eventPackage: EventPackage
  readonly addressOfRecord: string
  readonly state: EventState
  readonly subscriptions = new Set<Watcher>()
  readonly #runtime: Runtime
  readonly #watched: () => number
  #firstLook: Promise<void> | undefined
  #isKnown = false
  #isLooking = false
  /** When subscribers were told of a change last. */
  #toldAt = -Infinity
  #timer: Timer | undefined

  /** `watched`: how many of them there are. */
  constructor(runtime: Runtime, watched: () => number, eventPackage: EventPackage, addressOfRecord: string) {
    this.#runtime = runtime
    this.#watched = watched
    this.eventPackage = eventPackage
    this.addressOfRecord = addressOfRecord
    this.state = eventPackage.stateOf(addressOfRecord)
  }

  /** Whether something is known of it, after a first look where nobody has looked yet. */
  async isKnown(): Promise<boolean> {
    this.#firstLook ??= this.#look()
    await this.#firstLook
    return this.#isKnown
  }

  /** Something has been changed: its subscribers hear of it at once, unless they have just been told something. */
  changed(): void {
    if (this.#isKnown && this.#runtime.now() - this.#toldAt >= lookEveryMs) void this.#look()
  }

  /** Nobody watches any more. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    this.stop()
    try {
      this.#tell(await this.state.look())
    } catch (error) {
      this.#runtime.log.debug({ error, event: this.eventPackage.name }, "what is watched could not be looked up")
    }
    this.#isLooking = false
    if (this.subscriptions.size === 0) return
    this.#timer = this.#runtime.setTimer(Math.max(lookEveryMs, this.#watched() * lookSpacingMs), () => void this.#look())
  }

  #tell(hasChanged: boolean): void {
    // The first subscribers are told when they have been answered.
    const isNews = this.#isKnown && hasChanged
    this.#isKnown = true
    if (!isNews) return
    this.#toldAt = this.#runtime.now()
    for (const subscription of [...this.subscriptions]) subscription.notify()
  }
}
