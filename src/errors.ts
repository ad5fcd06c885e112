/**
 * Every error code of this package, in one table.
 *
 * A code is stable: programs may compare against it. The text says what the
 * code means; an error's own message says what was expected, what was found
 * and what to do.
 */
export const errorCodes = {
  P2PSIP_ABORTED: "the caller's AbortSignal fired before the operation ended",
  P2PSIP_BAD_ARGUMENT: "an argument has the wrong type, length or range",
  P2PSIP_BAD_CONFIG: "a configuration value is wrong; the message names the key",
  P2PSIP_BAD_FRAME: "bytes from another peer do not decode",
  P2PSIP_BAD_SIP: "bytes are not a SIP message this element can work with",
  P2PSIP_BOOTSTRAP_FAILED: "no bootstrap peer could be reached",
  P2PSIP_DEFECT: "a peer met a defect of its own; its log says more, please report it",
  P2PSIP_LINK_CLOSED: "the Link is not started, or has been stopped",
  P2PSIP_LIMIT: "a limit of this peer (size, count, rate) would be exceeded",
  P2PSIP_NO_BACKEND: "no backend of that name exists, or its package is not installed",
  P2PSIP_NOT_OPEN: "the servlet has not joined, is leaving, or has left",
  P2PSIP_NOT_REPLICATED: "the owner stored the change, but no other replica confirmed it; it may or may not survive",
  P2PSIP_NOT_SUPPORTED: "the backend's capabilities do not include this operation",
  P2PSIP_OUT_OF_ORDER: "a mutation's sequence is not newer than the stored one of the same series",
  P2PSIP_PORT_IN_USE: "a listener's address is already taken",
  P2PSIP_PRECONDITION: "a precondition does not hold; nothing was changed",
  P2PSIP_STORAGE: "the data folder or a file in it cannot be read or written",
  P2PSIP_TIMEOUT: "no answer within the operation's deadline; a change may or may not have been made",
  P2PSIP_TOO_MANY_VALUES: "the key already holds as many live values as allowed",
  P2PSIP_UNREACHABLE: "a peer could not be reached",
} as const

/** A stable error code; the keys of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes

/**
 * The one error class of the package. `code` is stable, `message` is for
 * people, `cause` keeps the platform's error where there is one.
 */
export class P2PSipError extends Error {
  override readonly name: string = "P2PSipError"
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for an error of this package, of the given code if one is given. */
export function isP2PSipError(error: unknown, code?: ErrorCode): error is P2PSipError {
  return error instanceof P2PSipError && (code === undefined || error.code === code)
}

/** Throws `P2PSIP_BAD_ARGUMENT` in the form "NAME: expected EXPECTED, found FOUND". */
export function badArgument(name: string, expected: string, found: unknown): never {
  throw new P2PSipError("P2PSIP_BAD_ARGUMENT", `${name}: expected ${expected}, found ${describe(found)}`)
}

function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value)
  return String(value)
}
