/** libp2p's errors in the words of the Link contract. */
import { P2PSipError } from "../errors.ts"

/** Why the Link could not begin to listen. */
export function listenError(cause: unknown, listen: readonly string[]): P2PSipError {
  const addresses = listen.join(", ")
  if (hasCode(cause, "EADDRINUSE")) {
    return new P2PSipError("P2PSIP_PORT_IN_USE", `listen ${addresses}: expected a free port, found it taken; stop the other program or choose another`, { cause })
  }
  return new P2PSipError("P2PSIP_BAD_CONFIG", `listen: expected TCP addresses of this machine, found ${addresses} (${listenReason(cause)})`, { cause })
}

/** libp2p's text goes over many lines, with stacks. */
function listenReason(cause: unknown): string {
  const reason = reasonOf(cause)
  return /\bE[A-Z]{4,}\b/.exec(reason)?.[0] ?? (reason.includes("UnsupportedListenAddress") ? "no TCP address" : reason.slice(0, 100))
}

/** Why a peer does not answer. */
export function unreachable(address: string, cause: unknown): P2PSipError {
  const reason = typeof cause === "string" ? cause : reasonOf(cause)
  return new P2PSipError("P2PSIP_UNREACHABLE", `no peer answers at ${address}: ${reason}`, { cause })
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0])
  return cause instanceof Error ? cause.message : String(cause)
}

/** Looks for a system error's code in an error and in those that it wraps. */
function hasCode(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false
  if ("code" in error && error.code === code) return true
  if (error.message.includes(code) || hasCode(error.cause, code)) return true
  return error instanceof AggregateError && error.errors.some((inner) => hasCode(inner, code))
}
