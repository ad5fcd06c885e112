/**
 * Records as blocks of {@link Slabs}, read when somebody asks.
 *
 *     bytes   0  units of the block          4  number of the sequence
 *             8  order                      16  liveUntil
 *            24  keptUntil                  32  tag
 *            40  length of the value + 1    44  lengths of operationId, valueHash, series: a byte each
 *            48  slot                       52  key
 *            72  operationId, valueHash, series, value
 */
import type { Traced } from "./fingerprint.ts"
import type { Id } from "./id.ts"
import { idBytes } from "./id.ts"
import type { BinaryText, StoredRecord } from "./record.ts"
import { graceMs } from "./record.ts"
import type { Ref, Slab } from "./slabs.ts"
import { Slabs, unitBytes } from "./slabs.ts"

const headBytes = 72
const keyAt = 52
const keyWords = idBytes / 4
/** Text up to this length is cheaper to copy in a loop. */
const shortText = 32

/** See the head of this file. */
export class RecordSlabs {
  readonly #slabs: Slabs
  /** The key that was asked for last, as bytes. */
  readonly #key = Buffer.from(new ArrayBuffer(idBytes))
  readonly #keyWords = new Uint32Array(this.#key.buffer)
  #keyText: Id = ""

  constructor(onMove: (from: Ref, to: Ref) => void) {
    this.#slabs = new Slabs(onMove)
  }

  /** The memory taken. */
  get bytes(): number {
    return this.#slabs.bytes
  }

  /** Stores a record, with tag 0 and slot 0. May move all others. */
  add(key: Id, record: StoredRecord): Ref {
    const ref = this.#slabs.allocate(unitsFor(record))
    this.#write(ref, record)
    const { words } = this.#slabs.slabOf(ref)
    const word = Slabs.offsetOf(ref) * 2
    words[word + 12] = 0
    this.#setKey(key)
    words.set(this.#keyWords, word + keyAt / 4)
    return ref
  }

  /** Another record of the same key in the place of one, with tag 0 and the same slot. May move all others. */
  replace(key: Id, ref: Ref, record: StoredRecord): Ref {
    if (this.#slabs.unitsOf(ref) === unitsFor(record)) {
      this.#write(ref, record)
      return ref
    }
    const slot = this.slotOf(ref)
    this.#slabs.free(ref)
    const other = this.add(key, record)
    this.setSlot(other, slot)
    return other
  }

  remove(ref: Ref): void {
    this.#slabs.free(ref)
  }

  clear(): void {
    this.#slabs.clear()
  }

  read(ref: Ref): StoredRecord {
    const slab = this.#slabs.slabOf(ref)
    const { words, doubles } = slab
    const unit = Slabs.offsetOf(ref)
    const word = unit * 2
    const valueLength = (words[word + 10] as number) - 1
    const lengths = words[word + 11] as number
    const texts = textsOf(slab, unit, sumOf(lengths) + Math.max(0, valueLength))
    const valueHashFrom = lengths & 255
    const seriesFrom = valueHashFrom + ((lengths >>> 8) & 255)
    const valueFrom = seriesFrom + ((lengths >>> 16) & 255)
    return {
      valueHash: texts.slice(valueHashFrom, seriesFrom),
      value: valueLength < 0 ? undefined : texts.slice(valueFrom),
      order: doubles[unit + 1] as number,
      operationId: texts.slice(0, valueHashFrom),
      series: texts.slice(seriesFrom, valueFrom),
      number: words[word + 1] as number,
      liveUntil: doubles[unit + 2] as number,
      keptUntil: doubles[unit + 3] as number,
    }
  }

  /** Enough of a record for its fingerprint, in less time than `read` takes. */
  traceOf(ref: Ref): Traced {
    const slab = this.#slabs.slabOf(ref)
    const unit = Slabs.offsetOf(ref)
    const lengths = slab.words[unit * 2 + 11] as number
    const valueHashFrom = lengths & 255
    const texts = textsOf(slab, unit, valueHashFrom + ((lengths >>> 8) & 255))
    return { order: slab.doubles[unit + 1] as number, operationId: texts.slice(0, valueHashFrom), valueHash: texts.slice(valueHashFrom) }
  }

  isTombstone(ref: Ref): boolean {
    return this.#word(ref, 10) === 0
  }

  /** Bytes of valueHash, series and value. */
  sizeOf(ref: Ref): number {
    const lengths = this.#word(ref, 11)
    return ((lengths >>> 8) & 255) + ((lengths >>> 16) & 255) + Math.max(0, this.#word(ref, 10) - 1)
  }

  hasValueHash(ref: Ref, valueHash: BinaryText): boolean {
    const slab = this.#slabs.slabOf(ref)
    const unit = Slabs.offsetOf(ref)
    const lengths = slab.words[unit * 2 + 11] as number
    if (((lengths >>> 8) & 255) !== valueHash.length) return false
    const at = unit * unitBytes + headBytes + (lengths & 255)
    for (let index = 0; index < valueHash.length; index++) if (slab.bytes[at + index] !== valueHash.charCodeAt(index)) return false
    return true
  }

  hasKey(ref: Ref, key: Id): boolean {
    this.#setKey(key)
    const { words } = this.#slabs.slabOf(ref)
    const at = Slabs.offsetOf(ref) * 2 + keyAt / 4
    for (let index = 0; index < keyWords; index++) if (words[at + index] !== this.#keyWords[index]) return false
    return true
  }

  keyOf(ref: Ref): Id {
    const at = Slabs.offsetOf(ref) * unitBytes + keyAt
    return this.#slabs.slabOf(ref).bytes.toString("hex", at, at + idBytes)
  }

  /** The first 32 bits of the key. */
  placeOf(ref: Ref): number {
    return this.#slabs.slabOf(ref).bytes.readUInt32BE(Slabs.offsetOf(ref) * unitBytes + keyAt)
  }

  /** See `forgottenAt` of a record. */
  forgottenAt(ref: Ref): number {
    return this.#double(ref, 3) + graceMs
  }

  /** A number that others keep with a record; 0 whenever it has been stored or changed. */
  tagOf(ref: Ref): number {
    return this.#double(ref, 4)
  }

  setTag(ref: Ref, tag: number): void {
    this.#slabs.slabOf(ref).doubles[Slabs.offsetOf(ref) + 4] = tag
  }

  /** Where the wheel of expiry has it. */
  slotOf(ref: Ref): number {
    return this.#word(ref, 12)
  }

  setSlot(ref: Ref, slot: number): void {
    this.#slabs.slabOf(ref).words[Slabs.offsetOf(ref) * 2 + 12] = slot
  }

  #word(ref: Ref, index: number): number {
    return this.#slabs.slabOf(ref).words[Slabs.offsetOf(ref) * 2 + index] as number
  }

  #double(ref: Ref, index: number): number {
    return this.#slabs.slabOf(ref).doubles[Slabs.offsetOf(ref) + index] as number
  }

  #setKey(key: Id): void {
    if (key === this.#keyText) return
    this.#key.write(key, "hex")
    this.#keyText = key
  }

  /** All but slot and key. */
  #write(ref: Ref, { valueHash, value, order, operationId, series, number, liveUntil, keptUntil }: StoredRecord): void {
    const { bytes, words, doubles } = this.#slabs.slabOf(ref)
    const unit = Slabs.offsetOf(ref)
    const word = unit * 2
    words[word + 1] = number
    doubles[unit + 1] = order
    doubles[unit + 2] = liveUntil
    doubles[unit + 3] = keptUntil
    doubles[unit + 4] = 0
    words[word + 10] = value === undefined ? 0 : value.length + 1
    words[word + 11] = operationId.length | (valueHash.length << 8) | (series.length << 16)
    let at = unit * unitBytes + headBytes
    at += copyText(bytes, at, operationId)
    at += copyText(bytes, at, valueHash)
    at += copyText(bytes, at, series)
    if (value !== undefined) copyText(bytes, at, value)
  }
}

function unitsFor({ operationId, valueHash, series, value }: StoredRecord): number {
  return Math.ceil((headBytes + operationId.length + valueHash.length + series.length + (value?.length ?? 0)) / unitBytes)
}

function sumOf(lengths: number): number {
  return (lengths & 255) + ((lengths >>> 8) & 255) + ((lengths >>> 16) & 255)
}

function textsOf({ bytes }: Slab, unit: number, length: number): BinaryText {
  const at = unit * unitBytes + headBytes
  return bytes.toString("latin1", at, at + length)
}

function copyText(bytes: Buffer, at: number, text: BinaryText): number {
  const { length } = text
  if (length > shortText) return bytes.write(text, at, "latin1")
  for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index)
  return length
}
