/** Pushes what a peer has heard anew to a few random members at a time, until each piece was told often enough. */
import type { Runtime, Timer } from "../runtime/runtime.ts"
import type { ByteBudget } from "./byte-budget.ts"
import type { Member } from "./key-based-routing.ts"
import { encodeGossip, membershipMethods } from "./membership-messages.ts"
import type { MembershipEntry, MembershipTable } from "./membership-table.ts"
import { sendsPerNews } from "./news-watch.ts"
import type { Rpc } from "./rpc.ts"
import { RumourQueue } from "./rumour-queue.ts"

const maxRumours = 1024

export interface NewsPusherComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly table: MembershipTable
  readonly budget: ByteBudget
}

export interface NewsPusherOptions {
  readonly pushDelayMs: number
  readonly pushFanout: number
  readonly maxFrameBytes: number
}

/** See the head of this file. */
export class NewsPusher {
  readonly #components: NewsPusherComponents
  readonly #options: NewsPusherOptions
  readonly #rumours = new RumourQueue(maxRumours)
  #timer: Timer | undefined

  constructor(components: NewsPusherComponents, options: NewsPusherOptions) {
    this.#components = components
    this.#options = options
  }

  /** Whether a piece of news found no room, since {@link forgetLoss}. */
  get hasLost(): boolean {
    return this.#rumours.dropped > 0
  }

  forgetLoss(): void {
    this.#rumours.clearDropped()
  }

  /** Notes a piece of news, to be passed on with the next frames, pushed or not. */
  add(entry: MembershipEntry): void {
    this.#rumours.add(entry, Math.min(sendsPerNews, Math.ceil(Math.log2(this.#components.table.alive.length + 1)) + 1))
  }

  /** Pushes soon. */
  push(): void {
    this.#timer ??= this.#later(1)
  }

  /** The news for a frame that goes out for another reason. */
  take(): MembershipEntry[] {
    return this.#rumours.take(this.#options.maxFrameBytes / 16)
  }

  /** Tells one piece now, to `count` members. */
  tell(entry: MembershipEntry, count: number): void {
    const { runtime, rpc, table } = this.#components
    const frame = encodeGossip({ digest: table.digest, entries: [entry] })
    for (const member of table.randomMembers(runtime.random, count)) rpc.notify(member, membershipMethods.gossip, frame)
  }

  /** Sends entries to one member, if the budget allows it. */
  send(member: Member, entries: readonly MembershipEntry[]): void {
    const { rpc, table, budget } = this.#components
    const frame = encodeGossip({ digest: table.digest, entries })
    if (budget.spend(frame.length)) rpc.notify(member, membershipMethods.gossip, frame)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  clear(): void {
    this.stop()
    this.#rumours.clear()
  }

  #later(delays: number): Timer {
    const { runtime } = this.#components
    return runtime.setTimer(this.#options.pushDelayMs * delays * (0.5 + runtime.random.float()), () => this.#pushOnce())
  }

  #pushOnce(): void {
    const { runtime, table } = this.#components
    this.#timer = undefined
    for (const member of table.randomMembers(runtime.random, this.#options.pushFanout)) {
      this.send(member, this.take())
      if (this.#rumours.size === 0) return
    }
    this.#timer = this.#later(2)
  }
}
