/**
 * The client's side of digest authentication: answers a 401 or 407
 * (RFC 7616 §3.4, RFC 8760 §2.4).
 */
import { algorithmOf, digestResponse, hashA1, parseDigest, quote } from "./digest.ts"
import type { DigestAlgorithm } from "./digest.ts"

/** A challenge that can be answered, again and again with a growing count. */
export interface AcceptedChallenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  readonly withQop: boolean
  readonly opaque: string | undefined
  /** The server says that only the nonce was wrong. */
  readonly stale: boolean
}

/** The first challenge of a response that can be answered (the server's preference comes first), or undefined. */
export function chooseChallenge(challenges: readonly string[]): AcceptedChallenge | undefined {
  for (const text of challenges) {
    const parameters = parseDigest(text)
    const algorithm = parameters && algorithmOf(parameters)
    const realm = parameters?.get("realm")
    const nonce = parameters?.get("nonce")
    if (!parameters || !algorithm || realm === undefined || nonce === undefined) continue
    const qop = parameters.get("qop")
    const offersAuth = qop?.split(",").some((name) => name.trim().toLowerCase() === "auth") ?? false
    if (qop !== undefined && !offersAuth) continue
    const stale = parameters.get("stale")?.toLowerCase() === "true"
    return { realm, nonce, algorithm, withQop: offersAuth, opaque: parameters.get("opaque"), stale }
  }
  return undefined
}

/** What credentials are made for. */
export interface CredentialsInput {
  readonly username: string
  readonly password: string
  readonly method: string
  readonly uri: string
  /** Grows by one with each request for the same challenge; the first is 1. */
  readonly nonceCount: number
  readonly cnonce: string
}

/** The value for an Authorization or Proxy-Authorization header. */
export function credentialsFor(challenge: AcceptedChallenge, input: CredentialsInput): string {
  const { realm, nonce, algorithm, opaque } = challenge
  const ha1 = hashA1(algorithm, input.username, Buffer.from(realm, "latin1").toString(), input.password)
  const nc = input.nonceCount.toString(16).padStart(8, "0")
  const qop = challenge.withQop ? { nc, cnonce: input.cnonce } : undefined
  const response = digestResponse({ algorithm, ha1, method: input.method, uri: input.uri, nonce, qop })
  const username = quote(Buffer.from(input.username, "utf8").toString("latin1"))
  const parts = [`username=${username}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`, `uri=${quote(input.uri)}`]
  parts.push(`response="${response}"`, `algorithm=${algorithm}`)
  if (qop) parts.push("qop=auth", `nc=${nc}`, `cnonce=${quote(input.cnonce)}`)
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`)
  return `Digest ${parts.join(", ")}`
}
