/** Answers to challenges (RFC 3261 §22), and what was learned from them. */
import { chooseChallenge, credentialsFor } from "../../security/digest-client.ts"
import type { AcceptedChallenge } from "../../security/digest-client.ts"
import type { Random } from "../../runtime/runtime.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"

interface Known {
  readonly challenge: AcceptedChallenge
  uses: number
}

/** Realms seen; nobody has more proxies than that. */
const maxRealms = 8

/** The credentials of one user, by realm. */
export class Credentials {
  readonly #random: Random
  readonly #username: string
  readonly #password: string
  /** By the header that answers it, and realm. */
  readonly #known = new Map<string, Known>()

  constructor(random: Random, username: string, password: string) {
    this.#random = random
    this.#username = username
    this.#password = password
  }

  /**
   * Learns from a 401 or 407 to `request`. False where the request had
   * credentials already and they were wrong, or nothing can be answered.
   */
  learn(response: SipResponse, request: SipRequest): boolean {
    const isProxy = response.status === 407
    const challenge = chooseChallenge(response.headers.getAll(isProxy ? "Proxy-Authenticate" : "WWW-Authenticate"))
    if (!challenge) return false
    const header = isProxy ? "Proxy-Authorization" : "Authorization"
    if (request.headers.has(header) && !challenge.stale) return false
    const key = `${header} ${challenge.realm}`
    if (!this.#known.has(key) && this.#known.size >= maxRealms) return false
    this.#known.set(key, { challenge, uses: 0 })
    return true
  }

  /** Adds credentials for every challenge known. A REGISTER is for the registrar, everything else for the proxies on its way. */
  apply(request: SipRequest): void {
    for (const [key, known] of this.#known) {
      const header = key.slice(0, key.indexOf(" "))
      const value = credentialsFor(known.challenge, {
        username: this.#username,
        password: this.#password,
        method: request.method,
        uri: request.uri,
        nonceCount: ++known.uses,
        cnonce: Buffer.from(this.#random.bytes(8)).toString("hex"),
      })
      request.headers.append(header, value)
    }
  }
}
