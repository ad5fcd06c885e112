/**
 * The k-buckets: peers that have given a sign of life themselves, many of those
 * near this peer, few of those far.
 *
 * The tree of buckets and the search in it are those of `kademlia-dht`. What it
 * does when a bucket is full is decided here: the newcomer waits in a
 * replacement cache, and takes the place of the oldest contact only when that
 * one does not answer a ping. So those who have been up for long stay, who are
 * the likeliest to stay on, and nobody can wash them out by flooding (section
 * 2.2 of the paper; the package does the opposite).
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { PackageBucket, PackageContact } from "./kademlia-dht.ts"
import { Bucket, PackageRoutingTable, contactOf, packageId } from "./kademlia-dht.ts"
import { commonPrefixBits, digitAt, idBits } from "./xor.ts"

/** A contact that was heard so lately is not pinged to find out whether it may stay. */
const restMs = 60_000

interface Entry {
  readonly contact: PackageContact
  readonly heardAt: number
}

/** One bucket: the contacts that share exactly so many bits with this peer. */
interface BucketState {
  /** In the order in which they were heard last, as the package has them. */
  readonly entries: Map<PeerId, Entry>
  readonly waiting: PackageBucket
  heardAt: number
}

/** See the head of this file. */
export class ContactTable {
  readonly #self: Id
  readonly #k: number
  readonly #table: PackageRoutingTable
  readonly #twin: PackageContact
  readonly #buckets = new Map<number, BucketState>()
  #size = 0
  #changes = 0

  constructor(self: Id, k: number) {
    this.#self = self
    this.#k = k
    this.#table = new PackageRoutingTable(packageId(self), k)
    this.#twin = contactOf({ id: twinOf(self), peerId: "", addresses: [] })
  }

  /** How often somebody came into the table or left it. */
  get changes(): number {
    return this.#changes
  }

  get size(): number {
    return this.#size
  }

  get(peerId: PeerId, id: Id): Member | undefined {
    return this.#bucketOf(id)?.entries.get(peerId)?.contact.endpoint
  }

  /** All contacts, in no order. */
  *[Symbol.iterator](): Generator<Member> {
    for (const { entries } of this.#buckets.values()) for (const { contact } of entries.values()) yield contact.endpoint
  }

  /**
   * A peer has given a sign of life. If its bucket is full, it waits, and the
   * result is the contact that was heard longest ago, if that is long: to be
   * pinged, and reported by `heard` or `remove`.
   */
  heard(member: Member, now: number): Member | undefined {
    if (member.id === this.#self) return undefined
    const bucket = this.#openBucket(member.id)
    bucket.heardAt = now
    const known = bucket.entries.get(member.peerId)?.contact
    if (known !== undefined && isSameAddress(known.endpoint, member)) {
      // The package's own order does not matter: who is pinged is decided by this one.
      bucket.entries.delete(member.peerId)
      bucket.entries.set(member.peerId, { contact: known, heardAt: now })
      return undefined
    }
    if (known === undefined && bucket.entries.size >= this.#k) return this.#wait(bucket, member, now)
    this.#store(bucket, { contact: contactOf(member), heardAt: now })
    return undefined
  }

  /** A peer is dead, or has left. The one that was heard last of those that wait takes its place. */
  remove(member: Member): void {
    const bucket = this.#bucketOf(member.id)
    if (bucket === undefined) return
    const entry = bucket.entries.get(member.peerId)
    bucket.waiting.remove(contactOf(member))
    if (entry === undefined) return
    bucket.entries.delete(member.peerId)
    this.#size--
    this.#changes++
    this.#table.remove(entry.contact)
    const heir = bucket.waiting.obtain().at(-1)
    if (heir === undefined) return
    bucket.waiting.remove(heir)
    // When it was heard is not known any more: it is the first to be pinged.
    this.#store(bucket, { contact: heir, heardAt: -Infinity })
  }

  /** The closest to the key, closest first. */
  closest(key: Id, count: number): Member[] {
    return this.#table.find(packageId(key), count).map(({ endpoint }) => endpoint)
  }

  /** How many contacts share exactly so many bits with this peer. */
  countIn(prefixBits: number): number {
    return this.#buckets.get(prefixBits)?.entries.size ?? 0
  }

  /** When somebody in that bucket last gave a sign of life. */
  heardAt(prefixBits: number): number | undefined {
    return this.#buckets.get(prefixBits)?.heardAt
  }

  #bucketOf(id: Id): BucketState | undefined {
    return this.#buckets.get(commonPrefixBits(this.#self, id))
  }

  #openBucket(id: Id): BucketState {
    const prefixBits = commonPrefixBits(this.#self, id)
    let bucket = this.#buckets.get(prefixBits)
    if (bucket === undefined) {
      bucket = { entries: new Map(), waiting: new Bucket(this.#k), heardAt: 0 }
      this.#buckets.set(prefixBits, bucket)
    }
    return bucket
  }

  #wait(bucket: BucketState, member: Member, now: number): Member | undefined {
    const contact = contactOf(member)
    if (!bucket.waiting.store(contact)) {
      const longest = bucket.waiting.oldest
      if (longest !== null) bucket.waiting.remove(longest)
      bucket.waiting.store(contact)
    }
    const oldest = bucket.entries.values().next().value
    return oldest !== undefined && now - oldest.heardAt >= restMs ? oldest.contact.endpoint : undefined
  }

  #store(bucket: BucketState, entry: Entry): void {
    const { contact } = entry
    this.#changes++
    const { peerId } = contact.endpoint
    if (!bucket.entries.delete(peerId)) this.#size++
    bucket.entries.set(peerId, entry)
    // The package drops a contact without a word when a bucket stays full after one split, and refuses one when the
    // bucket is shared with nearer contacts. There is room as soon as the path to this peer is split far enough, and a
    // contact right beside this peer makes it split.
    for (let splits = 0; splits <= idBits && !this.#tryStore(contact); splits++) {
      this.#table.store(this.#twin)
      this.#table.remove(this.#twin)
    }
  }

  #tryStore(contact: PackageContact): boolean {
    if (this.#table.store(contact) !== null) return false
    return this.#table.find(contact.id, 1)[0]?.id.equal(contact.id) === true
  }
}

function isSameAddress(a: Member, b: Member): boolean {
  return a === b || (a.addresses.length === b.addresses.length && a.addresses.every((address, at) => address === b.addresses[at]))
}

/** The id right beside: all bits but the last. */
function twinOf(id: Id): Id {
  return id.slice(0, -1) + (digitAt(id, id.length - 1) ^ 1).toString(16)
}
