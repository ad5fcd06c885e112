/**
 * The asker's side of an operation: has it carried to the owner of its key.
 *
 * Recursively, the first hop passes it on, and so does every other; when the
 * answer is late, the asker besides looks for the owner itself, and takes
 * whichever answer is first. Iteratively, it asks one peer after another.
 * Repeating is safe: the operation has a name.
 */
import { P2PSipError } from "../errors.ts"
import { pause } from "../runtime/pause.ts"
import type { Counter, Histogram } from "../runtime/runtime.ts"
import type { PeerInfo } from "../servlet/types.ts"
import { DeadlineQueue } from "./deadline-queue.ts"
import type { Id } from "./id.ts"
import type { Member } from "./key-based-routing.ts"
import type { Operation } from "./operation-codec.ts"
import { RttEstimator } from "./rto.ts"
import type { Found, Progress, RoutingMode, SearchComponents, SearchFacts } from "./search.ts"
import { Search } from "./search.ts"

export interface RouterOptions {
  /** An operation is given up after so long. */
  readonly timeoutMs: number
  readonly mode: RoutingMode
  /** Redirections before the search starts over. @default 32 */
  readonly maxHops?: number
}

/** A recursive operation that may be late. */
interface Waiting {
  isDone: boolean
  readonly onLate: () => void
}

const firstPauseMs = 20
const longestPauseMs = 500
const defaultMaxHops = 32
const hopBuckets = Array.from({ length: 16 }, (_, hops) => hops)
/** How long an answer is waited for is learnt as a peer's round-trip time is; hops find their dead neighbours meanwhile. */
const patience = { initialRtoMs: 2_000, minRtoMs: 1_200, maxRtoMs: 4_000 }

/** See the head of this file. */
export class Router {
  readonly #components: SearchComponents
  readonly #timeoutMs: number
  readonly #mode: RoutingMode
  readonly #maxHops: number
  readonly #hops: Histogram
  readonly #silences: Counter
  readonly #latecomers: Counter
  readonly #patience = new RttEstimator(patience)
  readonly #waiting: DeadlineQueue<Waiting>
  #lastName: number

  constructor(components: SearchComponents, options: RouterOptions) {
    const { metrics } = components.runtime
    this.#hops = metrics.histogram("p2psip_overlay_hops", "peers asked until the owner of a key has answered", hopBuckets)
    this.#silences = metrics.counter("p2psip_overlay_silent_hops_total", "peers asked about a key that did not answer")
    this.#latecomers = metrics.counter("p2psip_overlay_late_answers_total", "operations passed on whose answer was not waited for any longer")
    this.#waiting = new DeadlineQueue(components.runtime, ({ onLate }) => onLate())
    this.#components = components
    this.#lastName = components.runtime.random.uint32()
    this.#timeoutMs = options.timeoutMs
    this.#mode = options.mode
    this.#maxHops = options.maxHops ?? defaultMaxHops
  }

  /**
   * Rejects with `P2PSIP_TIMEOUT`, `P2PSIP_NOT_OPEN` (this peer stops), or as
   * the owner did.
   */
  async run(key: Id, operation: Operation, signal?: AbortSignal, progress: Progress = {}): Promise<Found> {
    const giveUpAt = this.#components.runtime.now() + this.#timeoutMs
    this.#lastName = (this.#lastName + 1) >>> 0
    const facts: SearchFacts = { key, operation, name: this.#lastName, signal, progress, onSilence: () => this.#silences.add(), giveUpAt }
    const found = await (this.#mode === "recursive" ? this.#haveCarried(facts) : this.#carry(facts, 0))
    this.#hops.observe(found.hops)
    return found
  }

  /** Recursively, and iteratively once the answer is late or others see no way. */
  #haveCarried(facts: SearchFacts): Promise<Found> {
    const { runtime } = this.#components
    const startedAt = runtime.now()
    const search = new Search(this.#components, facts, "recursive")
    return new Promise((resolve, reject) => {
      let isCarrying = false
      const fail = (error: Error): void => {
        waiting.isDone = true
        reject(error)
      }
      const take = (found: Found): void => {
        waiting.isDone = true
        search.stop()
        resolve(found)
      }
      const carry = (): void => {
        if (isCarrying || waiting.isDone) return
        isCarrying = true
        this.#carry(facts, search.hops, waiting).then(take, fail)
      }
      const onLate = (): void => {
        this.#patience.backOff()
        this.#latecomers.add()
        carry()
      }
      const waiting: Waiting = { isDone: false, onLate }
      this.#waiting.add(waiting, this.#patience.rtoMs)
      search.attempt(this.#maxHops).then((found) => {
        if (found === undefined) return carry()
        if (!isCarrying) this.#patience.sample(runtime.now() - startedAt)
        take(found)
      }).catch(fail)
    })
  }

  /** Iteratively, until the owner answers, or somebody else has found it. */
  async #carry(facts: SearchFacts, hops: number, race?: Waiting): Promise<Found> {
    const { runtime, rpc } = this.#components
    const search = new Search(this.#components, facts, "iterative", hops)
    let pauseMs = firstPauseMs
    for (;;) {
      const found = await search.attempt(this.#maxHops)
      if (found !== undefined) return found
      if (rpc.isStopped) throw new P2PSipError("P2PSIP_NOT_OPEN", "this peer has left the overlay")
      // Nobody left to ask, or a circle: the overlay is changing. Wait a moment and begin anew.
      const jittered = pauseMs * (0.5 + runtime.random.float())
      if (runtime.now() + jittered >= facts.giveUpAt || race?.isDone === true) {
        throw new P2PSipError("P2PSIP_TIMEOUT", `no owner of the key answered within ${this.#timeoutMs} ms`)
      }
      await pause(runtime, jittered)
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
    }
  }
}

export function peerInfoOf({ peerId, id, addresses }: Member): PeerInfo {
  return { peerId, id, addresses }
}
