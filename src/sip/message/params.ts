import { badArgument } from "../../errors.ts"
import { isLineSafe, isLwsCode, isToken, skipLws } from "./characters.ts"
import { badRequest } from "./syntax-error.ts"

const QUOTE = 0x22
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const BACKSLASH = 0x5c

/** What to set: names and values; a value undefined for a parameter without one. */
export type ParamEntries = readonly (readonly [name: string, value: string | undefined])[]

/**
 * The `;name=value` parameters of a header value or URI, in order. Names
 * compare without case. Immutable: `with` and `without` make a copy.
 */
export class Params {
  static readonly none: Params = new Params("", [])

  /** As written, from the first semicolon on; empty for no parameters. */
  readonly raw: string
  /** Name and value in turn. A parameter without a value has undefined. */
  readonly #list: readonly (string | undefined)[]

  private constructor(raw: string, list: readonly (string | undefined)[]) {
    this.raw = raw
    this.#list = list
  }

  /** Parses `text` from `at` to its end; `where` names the header in a fault. Throws {@link SipSyntaxError}. */
  static parse(text: string, at = 0, where = "header"): Params {
    const end = text.length
    const start = skipLws(text, at, end)
    if (start === end) return Params.none
    const list: (string | undefined)[] = []
    at = start
    while (at < end) {
      if (text.charCodeAt(at) !== SEMICOLON) throw badRequest(`Malformed parameter in ${where}`)
      at = skipLws(text, at + 1, end)
      const nameStart = at
      while (at < end && !isNameEnd(text.charCodeAt(at))) at++
      if (at === nameStart) throw badRequest(`Empty parameter in ${where}`)
      const name = text.slice(nameStart, at)
      at = skipLws(text, at, end)
      let value: string | undefined
      if (text.charCodeAt(at) === EQUALS) {
        const valueStart = skipLws(text, at + 1, end)
        at = valueEnd(text, valueStart, end, where)
        value = text.slice(valueStart, at)
        at = skipLws(text, at, end)
      }
      list.push(name, value)
    }
    return new Params(text.slice(start), list)
  }

  get size(): number {
    return this.#list.length / 2
  }

  has(name: string): boolean {
    return indexOf(this.#list, name) !== -1
  }

  /** The value as written, quotes included; empty for a parameter without a value; undefined where there is none. */
  get(name: string): string | undefined {
    const index = indexOf(this.#list, name)
    return index === -1 ? undefined : (this.#list[index + 1] ?? "")
  }

  /** As {@link get}, but a quoted string without its quotes and escapes. */
  getUnquoted(name: string): string | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : unquote(value)
  }

  /**
   * A copy with the parameter set; `value` undefined sets it without a value.
   * Refuses with `P2PSIP_BAD_ARGUMENT` what would not be one parameter.
   */
  with(name: string, value?: string): Params {
    return this.withAll([[name, value]])
  }

  /** As {@link with}, for several. */
  withAll(entries: ParamEntries): Params {
    const list = this.#list.slice()
    let raw = this.raw
    let isReplaced = false
    for (const [name, value] of entries) {
      if (!isToken(name)) badArgument("name", "a token", name)
      if (value !== undefined && !isParamValue(value)) badArgument(name, "a quoted string, or text without separators", value)
      const index = indexOf(list, name)
      if (index === -1) {
        list.push(name, value)
        raw += format(name, value)
      } else {
        list[index + 1] = value
        isReplaced = true
      }
    }
    return isReplaced ? Params.#of(list) : new Params(raw, list)
  }

  /** A copy without the parameter. */
  without(name: string): Params {
    const index = indexOf(this.#list, name)
    return index === -1 ? this : Params.#of(this.#list.toSpliced(index, 2))
  }

  /** Name and value as written; a parameter without a value gives undefined. */
  *[Symbol.iterator](): IterableIterator<[name: string, value: string | undefined]> {
    for (let i = 0; i < this.#list.length; i += 2) yield [this.#list[i] ?? "", this.#list[i + 1]]
  }

  toString(): string {
    return this.raw
  }

  static #of(list: readonly (string | undefined)[]): Params {
    let raw = ""
    for (let i = 0; i < list.length; i += 2) raw += format(list[i] ?? "", list[i + 1])
    return new Params(raw, list)
  }
}

function indexOf(list: readonly (string | undefined)[], name: string): number {
  for (let i = 0; i < list.length; i += 2) {
    const candidate = list[i] ?? ""
    if (candidate === name) return i
    if (candidate.length === name.length && candidate.toLowerCase() === name.toLowerCase()) return i
  }
  return -1
}

function format(name: string, value: string | undefined): string {
  return value === undefined ? `;${name}` : `;${name}=${value}`
}

function isNameEnd(code: number): boolean {
  return code === SEMICOLON || code === EQUALS || code === QUOTE || isLwsCode(code)
}

function valueEnd(text: string, at: number, end: number, where: string): number {
  if (text.charCodeAt(at) === QUOTE) return quotedEnd(text, at, where)
  while (at < end) {
    const code = text.charCodeAt(at)
    if (code === SEMICOLON || isLwsCode(code)) break
    if (code === QUOTE) throw badRequest(`Misplaced quote in ${where}`)
    at++
  }
  return at
}

/** What cannot grow into a second parameter or header. */
function isParamValue(value: string): boolean {
  if (!isLineSafe(value)) return false
  if (value.charCodeAt(0) !== QUOTE) return !/[;,<>"\s]/.test(value)
  try {
    return quotedEnd(value, 0, "parameter") === value.length
  } catch {
    return false
  }
}

/** The index after the closing quote of the quoted string that opens at `at`. Throws {@link SipSyntaxError}. */
export function quotedEnd(text: string, at: number, where: string): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i + 1
    if (code === BACKSLASH) i++
  }
  throw badRequest(`Unterminated quoted string in ${where}`)
}

/** A quoted string's content; any other text as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== QUOTE) return text
  const inner = text.slice(1, -1)
  return inner.includes("\\") ? inner.replace(/\\([^])/g, "$1") : inner
}

/** The text as a quoted string. */
export function quote(text: string): string {
  return `"${text.replace(/["\\\0]/g, "\\$&")}"`
}
