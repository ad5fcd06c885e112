/**
 * The sound parts of the npm package `kademlia-dht`, with types.
 *
 * Its ids, contacts, k-buckets, the tree of buckets with its k-closest search,
 * and the list of a look-up are used; its `Dht`, `Lookup` and `MockRpc` are
 * not. What it does wrong, and what its types cannot promise, is kept from the
 * rest of the backend by `contact-table.ts` and `shortlist.ts`: nobody else
 * imports this file.
 */
import { createRequire } from "node:module"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"

/** 160 bits, as `src/overlay/id.ts` has them. The buffer is not copied. */
export interface PackageId {
  equal(other: PackageId): boolean
  toString(): string
}

export interface PackageContact {
  readonly id: PackageId
  /** Whatever was given; here always the member. */
  readonly endpoint: Member
}

/** Contacts in the order in which they were stored last. */
export interface PackageBucket {
  readonly length: number
  readonly oldest: PackageContact | null
  /** False when there is no room; a contact that is there already moves to the end. */
  store(contact: PackageContact): boolean
  remove(contact: PackageContact): boolean
  /** The bucket's own array when all are asked for: not to be kept. */
  obtain(count?: number): readonly PackageContact[]
}

/** The tree of buckets. */
export interface PackageRoutingTable {
  /** Null when stored, or silently dropped; otherwise the oldest contact of a full bucket. */
  store(contact: PackageContact): PackageContact | null
  remove(contact: PackageContact): void
  find(id: PackageId, count: number): PackageContact[]
}

/** The closest contacts of a look-up, closest first, each handed out once. */
export interface PackageLookupList {
  insert(contact: PackageContact): void
  remove(contact: PackageContact): boolean
  next(): PackageContact | null
  getContacts(): PackageContact[]
}

const load = createRequire(import.meta.url)

const PackageId = load("kademlia-dht/lib/id.js") as { new (bytes: Buffer): PackageId; readonly SIZE: number }
const Contact = load("kademlia-dht/lib/contact.js") as new (id: PackageId, endpoint: Member) => PackageContact

export const Bucket = load("kademlia-dht/lib/bucket.js") as new (capacity: number) => PackageBucket
export const PackageRoutingTable = load("kademlia-dht/lib/routing-table.js") as new (self: PackageId, k: number) => PackageRoutingTable
export const LookupList = load("kademlia-dht/lib/lookup-list.js") as new (target: PackageId, capacity: number) => PackageLookupList

/** How long the package's ids are. */
export const packageIdBytes = PackageId.SIZE

export function packageId(id: Id): PackageId {
  return new PackageId(Buffer.from(id, "hex"))
}

export function contactOf(member: Member): PackageContact {
  return new Contact(packageId(member.id), member)
}
