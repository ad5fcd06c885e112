/**
 * Keeps a table of all members, while the overlay is small enough for one.
 *
 * News (who joined, left, died) is pushed at once to a few random members, who
 * pass on what is new to them. Now and then a peer compares its whole table
 * with that of a random member by digests; what differs is exchanged both
 * ways, so that whatever a push has missed arrives in the end. A joiner fills
 * its table by the same comparison.
 *
 * The bandwidth is bounded by a budget. Where the overlay is too large for that,
 * the table stops being complete and says so. Where it is too lively (the news
 * of all that come and go would cost more than `maxNewsBytesPerSecond`), the
 * peer rests: it keeps no table and takes no part, until the overlay calms
 * down. One that takes a lively overlay for a calm one finds that the others
 * rest, and rests again; one that knows it to be calm begins when it is asked.
 */
import type { ByteReader } from "../codec.ts"
import { isP2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import type { Counter, Runtime, Timer } from "../runtime/runtime.ts"
import { ByteBudget } from "./byte-budget.ts"
import type { Member } from "./key-based-routing.ts"
import { differingEntries, missingEntries } from "./membership-diff.ts"
import type { Gossip, SyncReply } from "./membership-messages.ts"
import {
  decodeGossip, decodeSyncReply, decodeSyncRequest, encodeGossip, encodeSyncReply, encodeSyncRequest, entryBytes, membershipMethods,
} from "./membership-messages.ts"
import type { MembershipOptions } from "./membership-options.ts"
import { membershipDefaults } from "./membership-options.ts"
import type { MembershipEntry } from "./membership-table.ts"
import { MembershipTable, bucketCount } from "./membership-table.ts"
import { NewsPusher } from "./news-pusher.ts"
import { NewsWatch, alwaysFollowed, tooLively } from "./news-watch.ts"
import type { Rpc } from "./rpc.ts"
import { withDefaults } from "./with-defaults.ts"

/** Comparisons in a row with one member before the rest is left to later ones. */
const maxSyncRounds = 128
const nothing: Omit<SyncReply, "digest"> = { entries: [], buckets: new Uint8Array() }
/** Who begins to rest still knows where others are for so long, until its routing does without. */
const windDownMs = 15_000
/**
 * An incarnation further ahead of this peer's own clock is not taken. Since the
 * bound moves on, a subject can always go beyond whatever was said of it.
 */
const maxFutureMs = 24 * 60 * 60 * 1000

/** See the head of this file. */
export class Membership {
  readonly table: MembershipTable
  readonly #runtime: Runtime
  readonly #rpc: Rpc
  readonly #options: typeof membershipDefaults
  readonly #pusher: NewsPusher
  readonly #budget: ByteBudget
  readonly #news: NewsWatch
  readonly #listeners = new Set<(entry: MembershipEntry) => void>()
  readonly #refused: Counter
  #isRunning = false
  #isFilled = false
  #isSyncing = false
  #isResting = false
  /** Has not yet heard whether others follow. */
  #isTentative = false
  #forgetTimer: Timer | undefined
  #gossipTimer: Timer | undefined

  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }, self: Member, options: MembershipOptions = {}) {
    this.#runtime = components.runtime
    this.#rpc = components.rpc
    this.#options = withDefaults(membershipDefaults, options)
    this.table = new MembershipTable(self, 0, this.#options.maxMembers)
    const { metrics } = this.#runtime
    this.#refused = metrics.counter("p2psip_overlay_future_incarnations_total", "entries of members refused because they lie too far ahead")
    this.#budget = new ByteBudget(this.#runtime, this.#options.maxBytesPerSecond)
    this.#pusher = new NewsPusher({ runtime: this.#runtime, rpc: this.#rpc, table: this.table, budget: this.#budget }, this.#options)
    this.#news = new NewsWatch(this.#runtime, this.#options)
    this.#rpc.handle(membershipMethods.gossip, (from, body) => this.#onGossip(from, body))
    this.#rpc.handle(membershipMethods.sync, (from, body) => this.#onSync(from, body))
    this.#rpc.onNotification(membershipMethods.gossip, (_from, body) => {
      if (this.#isResting) return
      const { entries } = decodeGossip(body)
      if (this.#isRunning) this.#take(entries)
    })
  }

  /** Whether the table is believed to name every member. */
  get isComplete(): boolean {
    return !this.#isResting && this.#isFilled && !this.table.isOverfull && !this.#pusher.hasLost
  }

  /** Whether the overlay is too lively for a table of all members. */
  get isResting(): boolean {
    return this.#isResting
  }

  /**
   * Follows the overlay or rests, whichever it can afford with about `size`
   * members of which each fails at `failuresPerSecond`. `contact` is whom to
   * fill the table from.
   */
  weigh(size: number, failuresPerSecond: number, contact: Member | undefined): void {
    const bytes = entryBytes(this.table.self)
    const known = this.table.alive.length
    this.#news.weigh(size, failuresPerSecond, bytes)
    if (!this.#isResting) {
      if (this.#news.isAlone(size, known) || this.#news.isTooMuch(this.isComplete ? known : size, bytes)) this.#rest()
      // Whoever was asked before may have rested.
      else if (!this.#isFilled && contact !== undefined) void this.fill(contact)
    } else if (contact !== undefined && this.#news.mayBegin) this.#follow(contact)
  }

  #rest(): void {
    this.#isResting = true
    this.#isFilled = false
    this.#forgetTimer = this.#runtime.setTimer(windDownMs, () => this.table.forgetOthers())
    this.#pusher.clear()
    this.#gossipTimer?.cancel()
  }

  #follow(contact: Member): void {
    this.#isResting = false
    this.#isTentative = true
    this.#forgetTimer?.cancel()
    this.#news.reset()
    this.start(this.table.self.member, false)
    void this.fill(contact)
  }

  /** Begins in an overlay of about `size` members without knowing how lively it is: a larger one is followed if the first whom this peer asks does. */
  startCautiously(self: Member, size: number): void {
    this.#isTentative = size > alwaysFollowed
    this.#news.reset()
    this.start(self, false)
  }

  /** Begins to exchange news, as `self` with its present addresses; a founder's table is complete from the start. */
  start(self: Member, isFounder: boolean): void {
    this.#isRunning = true
    this.table.renew(self, Math.floor(this.#runtime.wallClock()))
    this.#isFilled ||= isFounder
    this.#spread(this.table.self)
    // What happened while a newcomer filled its table was not pushed to it: compare soon, then ever more rarely.
    this.#scheduleGossip(Math.min(10 * this.#options.pushDelayMs, this.#options.gossipIntervalMs))
  }

  /** Begins among founders that all know each other: there is no news. */
  startAmong(members: readonly Member[]): void {
    this.#isRunning = true
    this.#isFilled = this.table.fill(members)
    this.#scheduleGossip(this.#options.gossipIntervalMs)
  }

  /** Fills the table from a member's. What goes wrong is left to later comparisons. */
  async fill(contact: Member, signal?: AbortSignal): Promise<void> {
    if (this.#isResting) return
    this.#isFilled = (await this.#compare(contact, signal)) || this.#isFilled
  }

  /** Ends timers; answers nothing more. */
  stop(): void {
    this.#isRunning = false
    this.#forgetTimer?.cancel()
    this.#gossipTimer?.cancel()
    this.#pusher.stop()
  }

  /** Says farewell to a few members, and stops. */
  leave(): void {
    if (!this.#isRunning || this.#isResting) return this.stop()
    this.#pusher.tell(this.table.leave(), this.#options.pushFanout + 1)
    this.stop()
  }

  /** A member was found dead, or said that it leaves. */
  report(peerId: PeerId, status: "dead" | "left"): void {
    const news = this.table.report(peerId, status)
    if (news !== undefined) this.#announce(news)
  }

  /** A member was met of whom the table may not know; its own gossip dates the entry later. */
  meet(member: Member): void {
    if (this.#isResting || this.table.get(member.peerId) !== undefined) return
    const news = this.table.merge({ member, status: "alive", incarnation: 0 })
    if (news !== undefined) this.#tell(news)
  }

  /** Compares tables with a member, dead or alive as far as is known. False if it did not answer. */
  async exchange(member: Member): Promise<boolean> {
    if (this.#isResting) return false
    const known = this.table.get(member.peerId)
    const about = known !== undefined && known.status !== "alive" ? [known] : []
    try {
      const theirs = decodeGossip(await this.#rpc.call(member, membershipMethods.gossip, this.#gossipFrame(about)))
      this.#heardAnother()
      if (!this.#isRunning) return true
      this.#take(theirs.entries)
      if (theirs.digest === this.table.digest) {
        this.#agreed()
        this.table.clearOverfull()
      } else if (this.#news.mayCompare(this.table.isFull)) await this.#compare(member)
      return true
    } catch (error) {
      this.#onFailure(error)
      return false
    }
  }

  /** Adds a listener for entries that are new here; the result removes it. */
  onChange(listener: (entry: MembershipEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  // Answering

  #onGossip(from: PeerId, body: ByteReader): Uint8Array {
    const { entries } = decodeGossip(body)
    this.#expectAwake(from, entries)
    if (!this.#isRunning) return encodeGossip({ digest: this.table.digest, entries: [] })
    this.#take(entries)
    const known = this.table.get(from)
    return this.#gossipFrame(known !== undefined && known.status !== "alive" ? [known] : [])
  }

  #onSync(from: PeerId, body: ByteReader): Uint8Array {
    const request = decodeSyncRequest(body)
    this.#expectAwake(from, request.entries)
    if (this.#isRunning) this.#take(request.entries)
    // From a random bucket on, so that comparisons that are cut short do not always end at the same place.
    const first = this.#runtime.random.uint32() % bucketCount
    const differing = this.#isRunning ? differingEntries(this.table, request.bucketDigests, first, this.#options.maxFrameBytes) : nothing
    return encodeSyncReply({ digest: this.table.digest, ...differing })
  }

  #expectAwake(from: PeerId, entries: readonly MembershipEntry[]): void {
    if (!this.#isResting) return
    const asker = entries.find(({ member }) => member.peerId === from)
    if (!this.#news.isCalm || asker === undefined || !this.#isRunning) throw tooLively()
    this.#follow(asker.member)
  }

  // Asking

  /** Exchanges what differs, bucket by bucket, until the tables agree or nothing more comes of it. False if that failed. */
  async #compare(member: Member, signal?: AbortSignal): Promise<boolean> {
    if (this.#isSyncing) return false
    this.#isSyncing = true
    try {
      for (let round = 0, fruitless = 0; round < maxSyncRounds && fruitless < 2; round++) {
        if (this.#isResting) return false
        const { digest, bucketDigests, self } = this.table
        const request = encodeSyncRequest({ digest, entries: [self], bucketDigests })
        const body = await this.#rpc.call(member, membershipMethods.sync, request, signal && { signal })
        this.#heardAnother()
        const reply = decodeSyncReply(body)
        const news = this.#take(reply.entries)
        this.#pushMissing(member, reply)
        if (reply.digest === this.table.digest) {
          this.#agreed()
          break
        }
        fruitless = news === 0 ? fruitless + 1 : 0
      }
      return true
    } catch (error) {
      this.#onFailure(error)
      return false
    } finally {
      this.#isSyncing = false
    }
  }

  #heardAnother(): void {
    this.#news.answered()
    this.#isTentative = false
  }

  #onFailure(error: unknown): void {
    if (!isP2PSipError(error)) throw error
    if (error.code !== "P2PSIP_LIMIT") return
    this.#news.refused(this.#isTentative)
    if (this.#isTentative && !this.#isResting) this.#rest()
  }

  /** Sends the entries of the answered buckets that the other lacks, or has older. */
  #pushMissing(member: Member, reply: SyncReply): void {
    const missing = missingEntries(this.table, reply, this.#options.maxFrameBytes)
    if (missing.length > 0) this.#pusher.send(member, missing)
  }

  #agreed(): void {
    if (this.#isResting) return
    this.#isFilled = true
    this.#news.agreed()
    this.#pusher.forgetLoss()
  }

  // News

  /** Merges what was told; news is passed on. Returns how much of it was new. */
  #take(entries: readonly MembershipEntry[]): number {
    if (this.#isResting) return 0
    let news = 0
    const latest = this.#runtime.wallClock() + maxFutureMs
    for (const entry of entries) {
      if (entry.incarnation > latest) {
        this.#refused.add()
        continue
      }
      const changed = this.table.merge(entry)
      if (changed === undefined) continue
      news++
      this.#news.hear()
      // Not while the table is being filled: to the others that is no news.
      if (this.#isFilled || changed === this.table.self) this.#announce(changed)
      else this.#tell(changed)
    }
    return news
  }

  #announce(entry: MembershipEntry): void {
    this.#spread(entry)
    this.#tell(entry)
  }

  #tell(entry: MembershipEntry): void {
    for (const listener of [...this.#listeners]) listener(entry)
  }

  #spread(entry: MembershipEntry): void {
    this.#pusher.add(entry)
    if (this.#isRunning && !this.#isResting) this.#pusher.push()
  }

  #gossipFrame(first: readonly MembershipEntry[]): Uint8Array {
    const entries = [this.table.self, ...first, ...this.#pusher.take()]
    return encodeGossip({ digest: this.table.digest, entries } satisfies Gossip)
  }

  #scheduleGossip(intervalMs: number): void {
    this.#gossipTimer = this.#runtime.setTimer(intervalMs * (0.5 + this.#runtime.random.float()), () => {
      const member = this.table.randomMember(this.#runtime.random)
      if (member !== undefined && this.#budget.spend(512)) void this.exchange(member)
      this.#scheduleGossip(Math.min(1.5 * intervalMs, this.#options.gossipIntervalMs))
    })
  }
}
