import { badArgument, P2PSipError } from "../../errors.ts"
import { isLineSafe, isToken, trimLws } from "./characters.ts"
import { HeaderField } from "./header-field.ts"
import { canonicalName, headerId, headerIdCount, isListHeader, isSingleHeader } from "./header-names.ts"
import type { HeaderId } from "./header-names.ts"
import { splitFirst, splitList } from "./value-list.ts"

/** Header fields of a message that arrives. */
export const maxHeaderFields = 256

/** Header fields of a message that is edited or built here. */
const maxEditedFields = maxHeaderFields + 64

/** By header number: the last look for repeated fields that saw it. Spares each look a set of its own. */
const seenIn = new Int32Array(headerIdCount)
let generation = 0

/**
 * The header fields of a message, in order.
 *
 * Names are given in any case or compact form. Values are latin1 text; a
 * setter refuses CR, LF, NUL and characters above 255 with
 * `P2PSIP_BAD_ARGUMENT`, so that no value can grow into another header.
 * Fields that nobody edits are written out as they came, byte for byte.
 */
export class Headers {
  #fields: HeaderField[]

  constructor(entries: Iterable<readonly [name: string, value: string]> = []) {
    this.#fields = []
    for (const [name, value] of entries) this.append(name, value)
  }

  /** Headers over fields that a parser made; takes the array. */
  static fromFields(fields: HeaderField[]): Headers {
    const headers = new Headers()
    headers.#fields = fields
    return headers
  }

  /** Number of fields. */
  get size(): number {
    return this.#fields.length
  }

  /** No field can be added: that would be refused with `P2PSIP_LIMIT`. */
  get isFull(): boolean {
    return this.#fields.length >= maxEditedFields
  }

  /** The first field's value, trimmed and unfolded; not split at commas. */
  get(name: string): string | undefined {
    return this.field(headerId(name), name)?.value
  }

  /** Every value, first to last; fields of list headers are split at their commas. */
  getAll(name: string): string[] {
    const id = headerId(name)
    const values: string[] = []
    for (const field of this.#fields) {
      if (!matches(field, id, name)) continue
      if (isListHeader(id)) splitList(field.value, values)
      else values.push(field.value)
    }
    return values
  }

  has(name: string): boolean {
    return this.#indexOf(headerId(name), name) !== -1
  }

  /** Number of fields (not of values) of the name. */
  count(name: string): number {
    const id = headerId(name)
    let count = 0
    for (const field of this.#fields) if (matches(field, id, name)) count++
    return count
  }

  /** The name of a field that may stand once (RFC 3261 §7.3.1) and stands twice; undefined for none. */
  repeatedSingle(): string | undefined {
    generation = (generation + 1) | 0
    for (const { id } of this.#fields) {
      if (!isSingleHeader(id)) continue
      if (seenIn[id] === generation) return canonicalName(id)
      seenIn[id] = generation
    }
    return undefined
  }

  /** Replaces every field of the name by one, at the place of the first, or adds it at the end. */
  set(name: string, value: string): void {
    const field = newField(name, value)
    const index = this.#indexOf(field.id, name)
    if (index === -1) {
      this.#insert(this.#fields.length, field)
      return
    }
    this.#fields[index] = field
    this.#removeFrom(index + 1, field.id, name)
  }

  /** Adds a field after the last one of the name, or at the end. */
  append(name: string, value: string): void {
    const field = newField(name, value)
    let index = this.#fields.length
    while (index > 0 && !matches(this.#fields[index - 1], field.id, name)) index--
    this.#insert(index === 0 ? this.#fields.length : index, field)
  }

  /** Adds a field before the first one of the name, or before everything. */
  prepend(name: string, value: string): void {
    const field = newField(name, value)
    this.#insert(Math.max(0, this.#indexOf(field.id, name)), field)
  }

  /** Removes every field of the name; true if there was one. */
  remove(name: string): boolean {
    return this.#removeFrom(0, headerId(name), name)
  }

  /** Removes the first value (of a list header, only the first of the list) and returns it. */
  removeFirst(name: string): string | undefined {
    const id = headerId(name)
    const index = this.#indexOf(id, name)
    const field = this.#fields[index]
    if (field === undefined) return undefined
    if (!isListHeader(id)) {
      this.#fields.splice(index, 1)
      return field.value
    }
    const { first, rest } = splitFirst(field.value)
    if (rest === "") this.#fields.splice(index, 1)
    else this.#fields[index] = HeaderField.of(id, field.name, rest)
    return first
  }

  /** Removes the first `count` values of a list header in one pass, where as many calls of {@link removeFirst} would cost the square of their number. */
  dropFirst(name: string, count: number): void {
    const id = headerId(name)
    let left = count
    this.#fields = this.#fields.flatMap((field) => {
      if (left === 0 || !matches(field, id, name)) return [field]
      const values = splitList(field.value)
      const kept = values.slice(left)
      left -= values.length - kept.length
      return kept.length === 0 ? [] : [HeaderField.of(id, field.name, kept.join(", "))]
    })
  }

  /** Replaces the first value (of a list header, only the first of the list); adds it where there is none. */
  replaceFirst(name: string, value: string): void {
    const id = headerId(name)
    const index = this.#indexOf(id, name)
    const field = this.#fields[index]
    if (field === undefined) {
      this.append(name, value)
      return
    }
    const rest = isListHeader(id) ? splitFirst(field.value).rest : ""
    const replaced = newField(field.name, value)
    this.#fields[index] = rest === "" ? replaced : HeaderField.of(id, field.name, `${replaced.value}, ${rest}`)
  }

  /** Adds all fields of the name that `from` has, as they are, at the end. */
  copyFrom(from: Headers, name: string): void {
    const id = headerId(name)
    for (const field of from.#fields) if (matches(field, id, name)) this.#insert(this.#fields.length, field)
  }

  /** Adds the first field of the name that `from` has, as it is, at the end. */
  copyFirst(from: Headers, name: string): void {
    const field = from.field(headerId(name), name)
    if (field !== undefined) this.#insert(this.#fields.length, field)
  }

  /** Puts the fields of the name that `from` has, as they are, in the place of those that are here. */
  replaceFrom(from: Headers, name: string): void {
    const id = headerId(name)
    const index = this.#indexOf(id, name)
    this.#removeFrom(0, id, name)
    const fields = from.#fields.filter((field) => matches(field, id, name))
    this.#fields.splice(index === -1 ? this.#fields.length : index, 0, ...fields)
  }

  /** The same fields; edits of one do not show in the other. */
  clone(): Headers {
    return Headers.fromFields(this.#fields.slice())
  }

  /** The first field of a name by its number; `name` counts where the number is 0. */
  field(id: HeaderId, name = ""): HeaderField | undefined {
    return this.#fields[this.#indexOf(id, name)]
  }

  /** Name as written and value of each field, in order. */
  *[Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    for (const field of this.#fields) yield [field.name, field.value]
  }

  /** All fields with their line ends. Neighbours from one text are taken in one piece. */
  toString(): string {
    let text = ""
    for (let i = 0; i < this.#fields.length; ) {
      const first = this.#fields[i++]
      if (first === undefined) break
      let end = first.end
      for (let next = this.#fields[i]; next?.source === first.source && next.start === end; next = this.#fields[++i]) {
        end = next.end
      }
      text += first.source.slice(first.start, end)
    }
    return text
  }

  /** The length of {@link toString}. */
  get textLength(): number {
    let length = 0
    for (const { start, end } of this.#fields) length += end - start
    return length
  }

  #insert(index: number, field: HeaderField): void {
    if (this.isFull) {
      throw new P2PSipError("P2PSIP_LIMIT", `headers: expected at most ${maxEditedFields} fields, found one more`)
    }
    if (index === this.#fields.length) this.#fields.push(field)
    else this.#fields.splice(index, 0, field)
  }

  #indexOf(id: HeaderId, name: string): number {
    const fields = this.#fields
    for (let i = 0; i < fields.length; i++) if (matches(fields[i], id, name)) return i
    return -1
  }

  #removeFrom(start: number, id: HeaderId, name: string): boolean {
    const fields = this.#fields
    let kept = start
    for (let i = start; i < fields.length; i++) {
      const field = fields[i]
      if (field !== undefined && !matches(field, id, name)) fields[kept++] = field
    }
    const isRemoved = kept < fields.length
    if (isRemoved) fields.length = kept
    return isRemoved
  }
}

function matches(field: HeaderField | undefined, id: HeaderId, name: string): boolean {
  if (field?.id !== id) return false
  if (id !== 0) return true
  return field.nameEnd - field.start === name.length && field.name.toLowerCase() === name.toLowerCase()
}

function newField(name: string, value: string): HeaderField {
  const id = headerId(name)
  if (id === 0 && !isToken(name)) badArgument("header name", "a token (RFC 3261 §25.1)", name)
  if (!isLineSafe(value)) badArgument(name, "one line of latin1 text without CR, LF and NUL", value)
  const isCompact = name.length === 1
  return HeaderField.of(id, id === 0 || isCompact ? name : canonicalName(id), trimLws(value))
}
