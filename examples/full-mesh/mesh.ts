/**
 * Key-based routing where everybody knows everybody.
 *
 *     64 ping   (nothing)  → (nothing)
 *     65 enter  member     → [member]     "I am here": take me up, and tell me whom you know
 *     66 leave  (nothing)  → (nothing)
 *     67 lost   peerId:text               a notification: this one did not answer me, see for yourself
 *
 * A joiner enters at every member before it answers for a key: each gives up
 * its share at that moment. Once a second each peer enters again, at its
 * successor and at somebody else; so whoever was wrongly taken for dead, or
 * joined at the same time, is known to all before long. Nothing that others
 * say of a third peer is believed before that peer itself has answered.
 */
import type { PeerId, Runtime, Timer } from "p2psip"
import { P2PSipError } from "p2psip"
import type { Id, KeyBasedRouting, KeyRange, Member, Outcome, RoutingChange, RoutingContext, Rpc } from "p2psip/overlay"
import {
  ByteWriter, PeerClient, RoutingListeners, bootstrapFailed, farewellLimits, isBetweenOrAt, readMember, readMembers, writeMember, writeMembers,
} from "p2psip/overlay"

const methods = { ping: 64, enter: 65, leave: 66, lost: 67 } as const
const maxMembers = 256
const roundMs = 1_000
/** Peers on either side that count as neighbours: more than hold copies. */
const reach = 4
const maxPeerIdBytes = 128
const nothing = new Uint8Array()
const noRanges: readonly KeyRange[] = []

/** The questions of this protocol; `PeerClient` tells the dead from the slow. */
class MeshClient extends PeerClient {
  constructor(components: { readonly runtime: Runtime; readonly rpc: Rpc }) {
    super(components, methods.ping)
  }

  enter(at: Member, self: Member): Promise<Outcome<readonly Member[]>> {
    const writer = new ByteWriter()
    writeMember(writer, self)
    const body = writer.finish()
    return this._attempt(at, async (signal) => {
      const reply = await this._rpc.call(at, methods.enter, body, { signal })
      const members = readMembers(reply, maxMembers)
      reply.end()
      return members
    })
  }

  leave(member: Member): Promise<Outcome<true>> {
    return this._attempt<true>(member, async (signal) => {
      await this._rpc.call(member, methods.leave, nothing, { ...farewellLimits, signal })
      return true
    })
  }

  lost(member: Member, peerId: PeerId): void {
    this._rpc.notify(member, methods.lost, new ByteWriter().text(peerId).finish())
  }
}

/** See the head of this file. */
export class FullMesh implements KeyBasedRouting {
  readonly self: Member
  readonly #runtime: Runtime
  readonly #client: MeshClient
  readonly #listeners: RoutingListeners
  /** By id; this peer is among them, a member or not. */
  #members: readonly Member[]
  /** Members that fell silent: they may only have been cut off. */
  readonly #lost = new Map<PeerId, Member>()
  readonly #checking = new Set<PeerId>()
  #state: "new" | "joining" | "member" | "gone" = "new"
  #ranges: readonly KeyRange[] = noRanges
  #neighbours: readonly Member[] = []
  #timer: Timer | undefined

  constructor({ runtime, rpc, self }: RoutingContext) {
    this.self = self
    this.#runtime = runtime
    this.#members = [self]
    this.#client = new MeshClient({ runtime, rpc })
    this.#listeners = new RoutingListeners(runtime)
    rpc.handle(methods.ping, () => {
      this.#expectPresence()
      return nothing
    })
    rpc.handle(methods.enter, (from, body) => {
      const member = readMember(body)
      body.end()
      if (member.peerId !== from) throw new P2PSipError("P2PSIP_BAD_FRAME", "expected a peer to speak for itself")
      return this.#onEnter(member)
    })
    rpc.handle(methods.leave, (from) => {
      this.#remove(from)
      return nothing
    })
    rpc.onNotification(methods.lost, (_from, body) => this.suspect(body.text(maxPeerIdBytes)))
  }

  async join(bootstrap: readonly Member[], signal: AbortSignal): Promise<void> {
    this.#state = "joining"
    const entered = new Set<PeerId>([this.self.peerId])
    // Whoever is met names more: until nobody is left at whom this peer has not entered.
    let next = bootstrap.filter(({ peerId }) => !entered.has(peerId))
    while (next.length > 0) {
      for (const { peerId } of next) entered.add(peerId)
      await Promise.all(next.map((member) => this.#enterAt(member)))
      if (signal.aborted) throw new P2PSipError("P2PSIP_ABORTED", "the join was aborted")
      if (this.#others.length === 0) throw bootstrapFailed("full-mesh", bootstrap, new Map())
      next = this.#others.filter(({ peerId }) => !entered.has(peerId))
    }
    this.#state = "member"
    this.#settle()
    this.#schedule()
  }

  async leave(): Promise<void> {
    this.#state = "gone"
    this.#timer?.cancel()
    this.#settle()
    await Promise.all(this.#others.map((member) => this.#client.leave(member)))
    this.stop()
  }

  stop(): void {
    this.#state = "gone"
    this.#timer?.cancel()
    this.#client.stop()
    this.#settle()
  }

  isResponsible(key: Id): boolean {
    const [range] = this.#ranges
    return range !== undefined && isBetweenOrAt(range.from, key, range.to)
  }

  ranges(): readonly KeyRange[] {
    return this.#ranges
  }

  nextHop(key: Id, excluded?: ReadonlySet<PeerId>): Member | undefined {
    if (this.isResponsible(key)) return undefined
    return this.#clockwise(key).find(({ peerId }) => peerId !== this.self.peerId && excluded?.has(peerId) !== true)
  }

  replicaSet(key: Id, count: number): readonly Member[] {
    return this.#clockwise(key).slice(0, count)
  }

  neighbours(): readonly Member[] {
    return this.#neighbours
  }

  suspect(peerId: PeerId): void {
    const member = this.#others.find((other) => other.peerId === peerId)
    if (member === undefined || this.#checking.has(peerId)) return
    this.#checking.add(peerId)
    void this.#client.ping(member).then((outcome) => {
      this.#checking.delete(peerId)
      if (outcome.kind === "dead") this.#onDead(member)
    })
  }

  onChange(listener: (change: RoutingChange) => void): () => void {
    return this.#listeners.add(listener)
  }

  describe(): ReturnType<KeyBasedRouting["describe"]> {
    return { peersKnown: this.#others.length, neighbours: { members: this.#others } }
  }

  get #others(): readonly Member[] {
    return this.#members.filter(({ peerId }) => peerId !== this.self.peerId)
  }

  // What others say

  #onEnter(member: Member): Uint8Array {
    this.#expectPresence()
    this.#add(member)
    const writer = new ByteWriter()
    writeMembers(writer, this.#members)
    return writer.finish()
  }

  #expectPresence(): void {
    if (this.#state === "new" || this.#state === "gone") throw new P2PSipError("P2PSIP_NOT_OPEN", "this peer is not in the overlay")
  }

  /** Takes a member up once it has answered, and in the same way whom it knows. */
  async #enterAt(member: Member): Promise<void> {
    const outcome = await this.#client.enter(member, this.self)
    if (this.#state === "gone") return
    if (outcome.kind === "dead") this.#onDead(member)
    if (outcome.kind !== "answered") return
    this.#add(member)
    const known = new Set(this.#members.map(({ peerId }) => peerId))
    const unknown = outcome.answer.filter(({ peerId }) => !known.has(peerId) && !this.#checking.has(peerId))
    for (const { peerId } of unknown) this.#checking.add(peerId)
    await Promise.all(unknown.map((one) => this.#enterAt(one).finally(() => this.#checking.delete(one.peerId))))
  }

  // What this peer does by itself

  #schedule(): void {
    this.#timer = this.#runtime.setTimer(roundMs * (0.75 + this.#runtime.random.float() / 2), () => {
      const others = this.#others
      const successor = this.#clockwise(this.self.id)[1]
      const somebody = others[this.#runtime.random.uint32() % Math.max(1, others.length)]
      const [lost] = this.#lost.values()
      // The one that was tried goes to the end of the queue.
      if (lost !== undefined && this.#lost.delete(lost.peerId)) this.#lost.set(lost.peerId, lost)
      for (const member of new Set([successor, somebody, lost])) if (member !== undefined) void this.#enterAt(member)
      this.#schedule()
    })
  }

  #onDead(member: Member): void {
    if (!this.#remove(member.peerId)) return
    if (this.#lost.size < maxMembers) this.#lost.set(member.peerId, member)
    for (const other of this.#others) this.#client.lost(other, member.peerId)
  }

  #add(member: Member): void {
    if (member.peerId === this.self.peerId || this.#members.some(({ peerId }) => peerId === member.peerId)) return
    if (this.#members.length >= maxMembers) throw new P2PSipError("P2PSIP_LIMIT", `expected at most ${maxMembers} peers in a full mesh`)
    this.#lost.delete(member.peerId)
    this.#members = [...this.#members, member].sort((a, b) => (a.id < b.id ? -1 : 1))
    this.#settle()
  }

  #remove(gone: PeerId): boolean {
    if (gone === this.self.peerId || !this.#members.some(({ peerId }) => peerId === gone)) return false
    this.#members = this.#members.filter(({ peerId }) => peerId !== gone)
    this.#settle()
    return true
  }

  /** Who comes before this peer decides what it answers for. */
  #settle(): void {
    const around = this.#clockwise(this.self.id).slice(1)
    const before = around.at(-1) ?? this.self
    this.#ranges = this.#state === "member" ? [{ from: before.id, to: this.self.id }] : noRanges
    this.#neighbours = [...new Set([...around.slice(0, reach), ...around.slice(-reach)])]
    this.#listeners.tell()
  }

  #clockwise(key: Id): readonly Member[] {
    const first = this.#members.findIndex(({ id }) => id >= key)
    return first < 0 ? this.#members : [...this.#members.slice(first), ...this.#members.slice(0, first)]
  }
}
