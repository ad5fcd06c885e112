/**
 * Character classes of RFC 3261 §25.1, as one table of bits by character code.
 * Header text is latin1: every code is 0 to 255.
 */

const TOKEN = 1
const LWS = 2
const URI = 4
const HOST = 8
const DIGIT = 16
const HEX = 32
const USER = 64
const PARAM = 128

const classes = new Uint8Array(256)

const alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
mark(alphanumerics + "-.!%*_+`'~", TOKEN)
mark(" \t\r\n", LWS)
// Unreserved, reserved, the escape sign, the brackets of IPv6, and what phones write unescaped in user parts.
mark(alphanumerics + "-_.!~*'();/?:@&=+$,%[]#^|{}`\\", URI)
mark(alphanumerics + "-._", HOST)
mark("0123456789", DIGIT)
mark("0123456789ABCDEFabcdef", HEX)
// unreserved and user-unreserved: what a user part may hold without an escape.
mark(alphanumerics + "-_.!~*'()&=+$,;?/", USER)
// paramchar, unescaped: param-unreserved and unreserved.
mark(alphanumerics + "-_.!~*'()[]/:&+$", PARAM)

function mark(characters: string, bit: number): void {
  for (let i = 0; i < characters.length; i++) {
    const code = characters.charCodeAt(i)
    classes[code] = (classes[code] ?? 0) | bit
  }
}

function all(text: string, bit: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (((classes[text.charCodeAt(i)] ?? 0) & bit) === 0) return false
  }
  return text.length > 0
}

/** One bit for each character code that may stand in a header field name. */
export const tokenClass: Uint8Array = classes.map((bits) => bits & TOKEN)

/** A token: method, header name, option tag, parameter name. Never empty. */
export const isToken = (text: string): boolean => all(text, TOKEN)

/** One or more decimal digits and nothing else. */
export const isDigits = (text: string): boolean => all(text, DIGIT)

/** Only characters that may stand in a URI (§25.1, and the few that phones leave unescaped). Never empty. */
export const isUriText = (text: string): boolean => all(text, URI)

/** A host name or an IPv4 address by its characters; not the IPv6 form. */
export const isHostName = (text: string): boolean => all(text, HOST)

export const isLwsCode = (code: number): boolean => ((classes[code] ?? 0) & LWS) !== 0
export const isTokenCode = (code: number): boolean => ((classes[code] ?? 0) & TOKEN) !== 0
export const isHexCode = (code: number): boolean => ((classes[code] ?? 0) & HEX) !== 0
/** May stand unescaped in the user part of a SIP URI. */
export const isUserCode = (code: number): boolean => ((classes[code] ?? 0) & USER) !== 0
/** May stand unescaped in a parameter of a SIP URI. */
export const isParamCode = (code: number): boolean => ((classes[code] ?? 0) & PARAM) !== 0

/** The first index at or after `at` that holds no linear white space, at most `end`. */
export function skipLws(text: string, at: number, end: number): number {
  while (at < end && isLwsCode(text.charCodeAt(at))) at++
  return at
}

/** `text.slice(start, end)` without linear white space at either side. */
export function trimLws(text: string, start = 0, end = text.length): string {
  start = skipLws(text, start, end)
  while (end > start && isLwsCode(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const unsafe = /[\r\n\u0100-\uffff]|(?:^|[^\\])\0/

/**
 * True for text that may stand in one header line: no CR, LF, and no NUL but
 * in a quoted pair, and no character above 255, whose low byte could become
 * one of these. What the parser lets pass is line safe.
 */
export const isLineSafe = (text: string): boolean => !unsafe.test(text)

/**
 * The same latin1 text in one piece, for those who keep it: a text that was cut from another keeps
 * all of that alive, and one that was put together all of its parts.
 */
export const ownText = (text: string): string => Buffer.from(text, "latin1").toString("latin1")

/** Text from a person as the latin1 form of its UTF-8 bytes, for display names and reason phrases. */
export const toBinaryText = (text: string): string => Buffer.from(text, "utf8").toString("latin1")

/** The inverse of {@link toBinaryText}; bytes that are not UTF-8 become U+FFFD. */
export const fromBinaryText = (binary: string): string => Buffer.from(binary, "latin1").toString("utf8")

/** Printable ASCII of at most `maxLength` characters, for messages that quote what arrived. */
export function printable(text: string, maxLength = 40): string {
  const shown = text.slice(0, maxLength).replace(/[^ -~]/g, "?")
  return text.length > maxLength ? `${shown}...` : shown
}
