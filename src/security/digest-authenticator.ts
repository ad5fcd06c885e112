/**
 * Digest authentication of phones, with users from the configuration
 * (RFC 7616, RFC 8760; RFC 2617 and 2069 for old phones).
 */
import { timingSafeEqual } from "node:crypto"
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Authenticator, Verdict } from "../sip/registrar/authenticator.ts"
import { algorithmOf, digestAlgorithms, digestResponse, hashA1, hexDigits, parseDigest, quote } from "./digest.ts"
import type { DigestAlgorithm, DigestParameters } from "./digest.ts"
import { Nonces } from "./nonces.ts"
import type { NonceOptions } from "./nonces.ts"

/** One user, valid in every domain served: a password, or what can be stored instead of it. */
export type User =
  | { readonly username: string; readonly password: string }
  /** H(username:realm:password) in hexadecimal, for every algorithm that is offered. */
  | { readonly username: string; readonly ha1: Readonly<Partial<Record<DigestAlgorithm, string>>> }

export interface DigestOptions extends NonceOptions {
  /** Shown to people by their phones, and part of every hash; stored `ha1` values are for this realm. */
  readonly realm: string
  readonly users: readonly User[]
  /**
   * The algorithms offered, preferred first: phones take the first one they
   * know (RFC 8760 §2.3). @default ["SHA-256", "MD5"]
   */
  readonly algorithms?: readonly DigestAlgorithm[]
  /**
   * Accepts MD5 credentials without qop, as phones from before RFC 2617 send
   * them. Their nonce is then good for one request. @default true
   */
  readonly allowWithoutQop?: boolean
}

type StoredHashes = ReadonlyMap<DigestAlgorithm, string>

/** See the head of this file. */
export class DigestAuthenticator implements Authenticator {
  readonly #realm: string
  readonly #users: ReadonlyMap<string, StoredHashes>
  readonly #stranger: StoredHashes
  readonly #algorithms: readonly DigestAlgorithm[]
  readonly #allowWithoutQop: boolean
  readonly #nonces: Nonces

  /** Throws `P2PSIP_BAD_CONFIG` for users or algorithms that cannot work. */
  constructor(components: { readonly runtime: Runtime }, options: DigestOptions) {
    this.#algorithms = options.algorithms ?? ["SHA-256", "MD5"]
    checkAlgorithms(this.#algorithms)
    this.#realm = asHeaderText(options.realm)
    this.#users = readUsers(options, this.#algorithms)
    this.#stranger = new Map(this.#algorithms.map((algorithm) => [algorithm, hashA1(algorithm, "", "", "")]))
    this.#allowWithoutQop = options.allowWithoutQop ?? true
    this.#nonces = new Nonces(components.runtime, options)
  }

  knows(username: string): boolean {
    return this.#users.has(username)
  }

  challenges(stale: boolean): readonly string[] {
    return this.#algorithms.map(
      (algorithm) =>
        `Digest realm=${quote(this.#realm)}, nonce="${this.#nonces.issue()}", algorithm=${algorithm}, qop="auth"${stale ? ", stale=true" : ""}`,
    )
  }

  verify(credentials: readonly string[], method: string, retransmissionKey?: string): Verdict {
    for (const text of credentials) {
      const parameters = parseDigest(text)
      if (parameters?.get("realm") === this.#realm) return this.#judge(parameters, method, retransmissionKey)
    }
    return { kind: "refused", stale: false }
  }

  #judge(parameters: DigestParameters, method: string, retransmissionKey: string | undefined): Verdict {
    const username = parameters.get("username") ?? ""
    const nonce = parameters.get("nonce") ?? ""
    const algorithm = algorithmOf(parameters)
    const qop = this.#readQop(parameters, algorithm)
    if (!algorithm || !this.#algorithms.includes(algorithm) || !qop) return { kind: "refused", stale: false }
    // A stranger's credentials cost as much as a user's wrong ones.
    const user = this.#users.get(username)
    const ha1 = (user ?? this.#stranger).get(algorithm) ?? ""
    const expected = digestResponse({ algorithm, ha1, method, uri: parameters.get("uri") ?? "", nonce, qop: qop.values })
    const isRight = sameText(expected, (parameters.get("response") ?? "").toLowerCase())
    if (!user || !isRight) return { kind: "refused", stale: false }
    if (!this.#nonces.use(nonce, qop.count, retransmissionKey)) return { kind: "refused", stale: true }
    return { kind: "authentic", username }
  }

  /** Undefined where the client's choice of qop is not acceptable. */
  #readQop(parameters: DigestParameters, algorithm: DigestAlgorithm | undefined): Qop | undefined {
    const qop = parameters.get("qop")
    if (qop === undefined) return this.#allowWithoutQop && algorithm === "MD5" ? { values: undefined, count: undefined } : undefined
    const nc = parameters.get("nc") ?? ""
    const cnonce = parameters.get("cnonce") ?? ""
    if (qop.toLowerCase() !== "auth" || cnonce === "" || !isNonceCount(nc)) return undefined
    return { values: { nc, cnonce }, count: Number.parseInt(nc, 16) }
  }
}

interface Qop {
  readonly values: { readonly nc: string; readonly cnonce: string } | undefined
  readonly count: number | undefined
}

/** 8LHEX; capitals are forgiven. */
function isNonceCount(text: string): boolean {
  return /^[0-9a-fA-F]{8}$/.test(text) && text !== "00000000"
}

function sameText(expected: string, found: string): boolean {
  return expected.length === found.length && timingSafeEqual(Buffer.from(expected, "latin1"), Buffer.from(found, "latin1"))
}

/** Configuration is text, SIP messages are held one character per byte. */
function asHeaderText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1")
}

function checkAlgorithms(algorithms: readonly DigestAlgorithm[]): void {
  const unknown = algorithms.find((algorithm) => !digestAlgorithms.includes(algorithm))
  if (algorithms.length > 0 && unknown === undefined) return
  const found = unknown === undefined ? "none" : JSON.stringify(unknown)
  throw new P2PSipError("P2PSIP_BAD_CONFIG", `algorithms: expected one or more of ${digestAlgorithms.join(", ")}, found ${found}`)
}

function readUsers(options: DigestOptions, algorithms: readonly DigestAlgorithm[]): ReadonlyMap<string, StoredHashes> {
  const users = new Map<string, StoredHashes>()
  for (const user of options.users) {
    const name = asHeaderText(user.username)
    if (name === "" || name.includes(":")) {
      throw badUser(user.username, "a name that is not empty and has no colon", "this one")
    }
    if (users.has(name)) throw badUser(user.username, "each name once", "it twice")
    users.set(name, new Map(algorithms.map((algorithm) => [algorithm, storedHash(user, algorithm, options.realm)])))
  }
  return users
}

function storedHash(user: User, algorithm: DigestAlgorithm, realm: string): string {
  if ("password" in user) return hashA1(algorithm, user.username, realm, user.password)
  const ha1 = user.ha1[algorithm]?.toLowerCase()
  const digits = hexDigits[algorithm]
  if (ha1?.length === digits && /^[0-9a-f]+$/.test(ha1)) return ha1
  const found = ha1 === undefined ? "none" : "something else"
  throw badUser(user.username, `a stored ha1 of ${digits} hexadecimal digits for ${algorithm}, which is offered`, found)
}

/** Never shows more of a user than the name. */
function badUser(username: string, expected: string, found: string): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_CONFIG", `user ${JSON.stringify(username)}: expected ${expected}, found ${found}`)
}
