import { skipLws, trimLws } from "./characters.ts"

const QUOTE = 0x22
const COMMA = 0x2c
const LEFT_ANGLE = 0x3c
const RIGHT_ANGLE = 0x3e
const BACKSLASH = 0x5c

/**
 * The index of the comma that ends the value at `at`, or the text's length.
 * Commas in quoted strings and between angle brackets do not count; a quote
 * or bracket that stays open reaches to the end.
 */
export function elementEnd(text: string, at: number): number {
  if (!text.includes(",", at)) return text.length
  let isQuoted = false
  let isBracketed = false
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isQuoted) {
      if (code === BACKSLASH) i++
      else if (code === QUOTE) isQuoted = false
    } else if (isBracketed) {
      if (code === RIGHT_ANGLE) isBracketed = false
    } else if (code === COMMA) {
      return i
    } else if (code === QUOTE) {
      isQuoted = true
    } else if (code === LEFT_ANGLE) {
      isBracketed = true
    }
  }
  return text.length
}

/** Adds the comma-separated values of `text` to `into`; empty ones are left out. */
export function splitList(text: string, into: string[] = []): string[] {
  for (let at = 0; at < text.length; ) {
    const end = elementEnd(text, at)
    const value = trimLws(text, at, end)
    if (value !== "") into.push(value)
    at = end + 1
  }
  return into
}

/** The first value, and what follows its comma (empty for nothing). */
export function splitFirst(text: string): { first: string; rest: string } {
  const end = elementEnd(text, 0)
  return { first: trimLws(text, 0, end), rest: text.slice(skipLws(text, end + 1, text.length)) }
}
