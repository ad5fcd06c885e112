import { trimLws } from "./characters.ts"
import type { CSeq } from "./cseq.ts"
import type { HeaderId } from "./header-names.ts"
import type { NameAddress } from "./name-address.ts"
import type { Via } from "./via.ts"

/**
 * One header field: a range of a text, usually of the whole message as it
 * arrived. Immutable, so that messages may share fields.
 */
export class HeaderField {
  readonly id: HeaderId
  /** The text that the offsets below are of. */
  readonly source: string
  readonly start: number
  readonly nameEnd: number
  readonly valueStart: number
  /** After the field's CRLF. */
  readonly end: number
  readonly #isFolded: boolean
  #value: string | undefined
  /** The first value, once somebody has asked for it in parsed form. */
  parsed: Via | NameAddress | CSeq | undefined = undefined

  constructor(
    id: HeaderId,
    source: string,
    start: number,
    nameEnd: number,
    valueStart: number,
    end: number,
    isFolded: boolean,
  ) {
    this.id = id
    this.source = source
    this.start = start
    this.nameEnd = nameEnd
    this.valueStart = valueStart
    this.end = end
    this.#isFolded = isFolded
  }

  /** A field with a text of its own. */
  static of(id: HeaderId, name: string, value: string): HeaderField {
    const source = `${name}: ${value}\r\n`
    return new HeaderField(id, source, 0, name.length, name.length + 2, source.length, false)
  }

  /** The name as written. */
  get name(): string {
    return this.source.slice(this.start, this.nameEnd)
  }

  /** The value as written, trimmed, and unfolded into one line (RFC 3261 §7.3.1). */
  get value(): string {
    return (this.#value ??= this.#readValue())
  }

  #readValue(): string {
    const value = trimLws(this.source, this.valueStart, this.end)
    return this.#isFolded ? value.replace(/\r\n[ \t]+/g, " ") : value
  }
}
