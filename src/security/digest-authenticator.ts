/**
 * Digest authentication of phones
 * (RFC 7616, RFC 8760; RFC 2617 and 2069 for old phones).
 */
import { timingSafeEqual } from "node:crypto"
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Authenticator, Presented, Verdict } from "../sip/registrar/authenticator.ts"
import type { Soon } from "../soon.ts"
import { sourceOf } from "../sip/transport/source.ts"
import { algorithmOf, digestAlgorithms, digestResponse, hashA1, parseDigest, quote } from "./digest.ts"
import type { DigestAlgorithm, DigestParameters } from "./digest.ts"
import { GuessLimiter } from "./guess-limiter.ts"
import type { GuessLimits } from "./guess-limiter.ts"
import { Nonces } from "./nonces.ts"
import type { NonceOptions } from "./nonces.ts"
import type { UserDirectory, Verifiers } from "./users.ts"

/** What a user may choose about digest. */
export interface DigestOptions extends NonceOptions {
  /** Shown to people by their phones, and part of every hash. @default each domain is its own realm */
  readonly realm?: string | undefined
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
  readonly guesses?: GuessLimits
}

/** One attempt, as far as it is sound. */
interface Attempt {
  readonly parameters: DigestParameters
  readonly algorithm: DigestAlgorithm
  readonly qop: Qop
  readonly username: string
  readonly nonce: string
  readonly issuedAt: number
  readonly account: string
  readonly source: string
  readonly presented: Presented
}

const wrong: Verdict = { kind: "refused", stale: false }
const stale: Verdict = { kind: "refused", stale: true }

/** See the head of this file. */
export class DigestAuthenticator implements Authenticator {
  readonly #users: UserDirectory
  readonly #realm: string | undefined
  readonly #stranger: Verifiers
  readonly #algorithms: readonly DigestAlgorithm[]
  readonly #allowWithoutQop: boolean
  readonly #nonces: Nonces
  readonly #guesses: GuessLimiter

  /** Throws `P2PSIP_BAD_CONFIG` for algorithms that cannot work. */
  constructor(components: { readonly runtime: Runtime; readonly users: UserDirectory }, options: DigestOptions = {}) {
    this.#users = components.users
    this.#algorithms = options.algorithms ?? ["SHA-256", "MD5"]
    checkAlgorithms(this.#algorithms)
    this.#realm = options.realm === undefined ? undefined : Buffer.from(options.realm, "utf8").toString("latin1")
    this.#stranger = Object.fromEntries(this.#algorithms.map((algorithm) => [algorithm, hashA1(algorithm, "", "", "")]))
    this.#allowWithoutQop = options.allowWithoutQop ?? true
    this.#nonces = new Nonces(components.runtime, options)
    this.#guesses = new GuessLimiter(components.runtime, options.guesses)
  }

  knows(username: string, domain: string): Soon<boolean> {
    const found = this.#users.find(username, domain)
    return found instanceof Promise ? found.then((verifiers) => verifiers !== undefined) : found !== undefined
  }

  isOurs(credentials: string, domain: string): boolean {
    return parseDigest(credentials)?.get("realm") === this.#realmOf(domain)
  }

  challenges(domain: string, source: string, isStale: boolean): readonly string[] {
    const shared = `Digest realm=${quote(this.#realmOf(domain))}, nonce="${this.#nonces.issue(sourceOf(source))}"`
    return this.#algorithms.map((algorithm) => `${shared}, algorithm=${algorithm}, qop="auth"${isStale ? ", stale=true" : ""}`)
  }

  verify(presented: Presented): Soon<Verdict> {
    const realm = this.#realmOf(presented.domain)
    for (const text of presented.credentials) {
      const parameters = parseDigest(text)
      if (parameters?.get("realm") === realm) return this.#judge(parameters, presented)
    }
    return wrong
  }

  #realmOf(domain: string): string {
    return this.#realm ?? domain
  }

  /** Nothing is looked up, and nothing counted, before the nonce has shown that the answer to the last request arrived there. */
  #judge(parameters: DigestParameters, presented: Presented): Soon<Verdict> {
    const { domain } = presented
    const username = parameters.get("username") ?? ""
    const nonce = parameters.get("nonce") ?? ""
    const algorithm = algorithmOf(parameters)
    const qop = this.#readQop(parameters, algorithm)
    if (!algorithm || !this.#algorithms.includes(algorithm) || !qop) return wrong
    const source = sourceOf(presented.source)
    const issuedAt = this.#nonces.issuedAt(nonce, source)
    if (issuedAt === undefined) return stale
    const attempt = { parameters, algorithm, qop, username, nonce, issuedAt, account: `${username}@${domain}`, source, presented }
    const throttled = this.#throttled(attempt)
    if (throttled !== undefined) return throttled
    const found = this.#users.find(username, domain)
    // Many guesses at once may have been waiting for the same answer.
    if (found instanceof Promise) return found.then((verifiers) => this.#throttled(attempt) ?? this.#conclude(attempt, verifiers))
    return this.#conclude(attempt, found)
  }

  #throttled({ source, account }: Attempt): Verdict | undefined {
    const retryAfterSeconds = this.#guesses.delaySeconds(source, account)
    return retryAfterSeconds === 0 ? undefined : { kind: "throttled", retryAfterSeconds }
  }

  #conclude(attempt: Attempt, verifiers: Verifiers | undefined): Verdict {
    const { parameters, algorithm, qop, username, nonce, issuedAt, account, source, presented } = attempt
    // A stranger's credentials cost as much as a user's wrong ones.
    const ha1 = (verifiers ?? this.#stranger)[algorithm]
    const input = { algorithm, ha1: ha1 ?? "", method: presented.method, uri: parameters.get("uri") ?? "", nonce, qop: qop.values }
    const isRight = sameText(digestResponse(input), (parameters.get("response") ?? "").toLowerCase())
    if (verifiers === undefined || ha1 === undefined || !isRight) {
      this.#guesses.failed(source, account)
      return wrong
    }
    if (!this.#nonces.use({ nonce, issuedAt, count: qop.count, retransmissionKey: presented.retransmissionKey })) return stale
    this.#guesses.succeeded(source, account)
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

function checkAlgorithms(algorithms: readonly DigestAlgorithm[]): void {
  const unknown = algorithms.find((algorithm) => !digestAlgorithms.includes(algorithm))
  if (algorithms.length > 0 && unknown === undefined) return
  const found = unknown === undefined ? "none" : JSON.stringify(unknown)
  throw new P2PSipError("P2PSIP_BAD_CONFIG", `algorithms: expected one or more of ${digestAlgorithms.join(", ")}, found ${found}`)
}
