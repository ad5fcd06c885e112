import { isDigits, isToken, skipLws, isLwsCode } from "./characters.ts"
import { badRequest } from "./syntax-error.ts"

/** The CSeq header (RFC 3261 §20.16). */
export class CSeq {
  /** 0 to 2^31 - 1 (§8.1.1.5). */
  readonly number: number
  readonly method: string

  constructor(number: number, method: string) {
    this.number = number
    this.method = method
  }

  toString(): string {
    return `${this.number} ${this.method}`
  }
}

/** Parses a CSeq value. Throws {@link SipSyntaxError}. */
export function parseCSeq(value: string): CSeq {
  let at = 0
  while (at < value.length && !isLwsCode(value.charCodeAt(at))) at++
  const digits = value.slice(0, at)
  const method = value.slice(skipLws(value, at, value.length))
  if (!isDigits(digits) || !isToken(method)) throw badRequest("Malformed CSeq")
  const number = Number(digits)
  if (number >= 2 ** 31) throw badRequest("CSeq number above 2**31-1")
  return new CSeq(number, method)
}
