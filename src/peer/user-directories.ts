/** Where a peer finds its users: its configuration, the program that it is part of, the overlay. */
import { P2PSipError } from "../errors.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import { CachedUsers } from "../security/cached-users.ts"
import { digestAlgorithms, hashA1 } from "../security/digest.ts"
import type { DigestAlgorithm } from "../security/digest.ts"
import { ConfiguredUsers, UserDirectories } from "../security/users.ts"
import type { UserDirectory, Verifiers } from "../security/users.ts"
import type { P2PSipServlet } from "../servlet/index.ts"
import type { PeerConfig } from "./config.ts"
import { readUserRecord, userKey } from "./user-record.ts"

/** What a program tells about one user: the password, or H(username:realm:password) in hexadecimal. */
export type FoundUser = { readonly password: string } | { readonly ha1: Verifiers }

/**
 * Asked by a peer for a user of one of its domains (lower case); undefined
 * where there is none. A rejection is a 503 to the phone. What is found is
 * remembered for a minute.
 */
export type FindUser = (username: string, domain: string) => Promise<FoundUser | undefined>

export interface UserSources {
  readonly runtime: Runtime
  readonly servlet: Pick<P2PSipServlet, "get" | "limits">
  readonly findUser: FindUser | undefined
}

/** Undefined where there is none of them: then registration is open. */
export function userDirectoryOf({ runtime, servlet, findUser }: UserSources, config: PeerConfig): UserDirectory | undefined {
  const { users, realm, digestAlgorithms: algorithms, overlayUsers } = config
  const directories: UserDirectory[] = []
  const domains = config.domains.map((domain) => domain.toLowerCase())
  if (users.length > 0) directories.push(new ConfiguredUsers(users, { domains, algorithms, realm }))
  if (findUser !== undefined) directories.push(new CachedUsers({ runtime, directory: new ProgramUsers(findUser, realm) }))
  if (overlayUsers) directories.push(new CachedUsers({ runtime, directory: new OverlayUsers({ runtime, servlet }, realm) }))
  return directories.length === 0 ? undefined : new UserDirectories(directories)
}

/** Users that a program knows. */
class ProgramUsers implements UserDirectory {
  readonly #findUser: FindUser
  readonly #realm: string | undefined

  constructor(findUser: FindUser, realm: string | undefined) {
    this.#findUser = findUser
    this.#realm = realm
  }

  async find(username: string, domain: string): Promise<Verifiers | undefined> {
    const name = asText(username)
    const found = await this.#findUser(name, domain)
    if (found === undefined) return undefined
    if (!("password" in found)) return lowered(found.ha1)
    const { password } = found
    const verifiers = digestAlgorithms.map((algorithm) => [algorithm, hashA1(algorithm, name, this.#realm ?? domain, password)])
    return Object.fromEntries(verifiers) as Verifiers
  }
}

/** Users that `p2psip user add` has stored. */
class OverlayUsers implements UserDirectory {
  readonly #servlet: UserSources["servlet"]
  readonly #realm: string | undefined
  readonly #malformed: Counter

  constructor({ runtime, servlet }: Pick<UserSources, "runtime" | "servlet">, realm: string | undefined) {
    this.#servlet = servlet
    this.#realm = realm
    this.#malformed = runtime.metrics.counter("p2psip_malformed_users_total", "Values in the overlay that should be users and are not.")
  }

  async find(username: string, domain: string): Promise<Verifiers | undefined> {
    const key = userKey(asText(username), domain)
    if (Buffer.byteLength(key) > this.#servlet.limits.maxKeyBytes) return undefined
    const [value] = await this.#servlet.get(key)
    if (value === undefined) return undefined
    try {
      const { realm, verifiers } = readUserRecord(value.value)
      const wanted = this.#realm ?? domain
      if (realm === wanted) return verifiers
      throw new P2PSipError("P2PSIP_BAD_FRAME", `expected the realm ${wanted}, found ${realm}`)
    } catch {
      this.#malformed.add()
      return undefined
    }
  }
}

function lowered(verifiers: Verifiers): Verifiers {
  const entries = Object.entries(verifiers) as readonly (readonly [DigestAlgorithm, string])[]
  return Object.fromEntries(entries.map(([algorithm, verifier]) => [algorithm, verifier.toLowerCase()]))
}

/** SIP messages hold one character per byte. */
function asText(binary: string): string {
  return Buffer.from(binary, "latin1").toString("utf8")
}
