/**
 * Fingerprints of what a peer holds, for finding differences cheaply.
 *
 * The fingerprint of a set is the exclusive or of its records' fingerprints,
 * so that it is kept up to date with each change. Times are not part of it:
 * they differ a little from peer to peer.
 */
import type { Id } from "./id.ts"
import type { StoredRecord } from "./record.ts"

/** Two halves of 32 bits each. */
export interface Fingerprint {
  high: number
  low: number
}

/** What of a record its fingerprint is made of. */
export type Traced = Pick<StoredRecord, "order" | "operationId" | "valueHash">

/** Adds the record of that key to the fingerprint, or takes it away: the same operation. */
export function toggle(fingerprint: Fingerprint, key: Id, record: Traced): void {
  let high = 0x9e3779b9 ^ (record.order % 0x1_0000_0000)
  let low = 0x85ebca6b ^ Math.floor(record.order / 0x1_0000_0000)
  const { operationId, valueHash } = record
  for (let i = 0; i < operationId.length; i++) {
    high = Math.imul(high ^ operationId.charCodeAt(i), 0x9e3779b1)
    low = Math.imul(low ^ operationId.charCodeAt(i), 0x5f356495)
  }
  for (let i = 0; i < valueHash.length; i++) {
    high = Math.imul(high ^ valueHash.charCodeAt(i), 0x9e3779b1)
    low = Math.imul(low ^ valueHash.charCodeAt(i), 0x5f356495)
  }
  for (let i = key.length - 16; i < key.length; i++) {
    high = Math.imul(high ^ key.charCodeAt(i), 0x85ebca77)
    low = Math.imul(low ^ key.charCodeAt(i), 0xc2b2ae3d)
  }
  high = Math.imul(high ^ (high >>> 16) ^ low, 0x21f0aaad)
  low = Math.imul(low ^ (low >>> 15) ^ high, 0x735a2d97)
  fingerprint.high = (fingerprint.high ^ high ^ (high >>> 15)) >>> 0
  fingerprint.low = (fingerprint.low ^ low ^ (low >>> 15)) >>> 0
}

/** The fingerprint of one key's records. */
export function fingerprintOf(key: Id, records: readonly StoredRecord[]): Fingerprint {
  const fingerprint = { high: 0, low: 0 }
  for (const record of records) toggle(fingerprint, key, record)
  return fingerprint
}
