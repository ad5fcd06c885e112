/** Who the users are, and what their credentials are verified with. */
import { P2PSipError } from "../errors.ts"
import type { Soon } from "../soon.ts"
import { hashA1, hexDigits } from "./digest.ts"
import type { DigestAlgorithm } from "./digest.ts"

/** H(username:realm:password) in lower-case hexadecimal, by algorithm: what is kept instead of a password. */
export type Verifiers = Readonly<Partial<Record<DigestAlgorithm, string>>>

/** Where users are found. Names are text as SIP messages hold it, domains in lower case. */
export interface UserDirectory {
  /** Undefined where there is no such user. A rejection means that it cannot be told just now. */
  find(username: string, domain: string): Soon<Verifiers | undefined>
}

/** One user: a password, or what can be stored instead of it. */
export type User = {
  readonly username: string
  /** Where the name is valid. @default every domain; with `ha1` and a realm for each domain, the first one */
  readonly domain?: string | undefined
} & (
  | { readonly password: string }
  /** H(username:realm:password) in hexadecimal, for every algorithm that is offered. */
  | { readonly ha1: { readonly [Algorithm in DigestAlgorithm]?: string | undefined } }
)

/** What users of a configuration are read with. */
export interface UserOptions {
  /** At least one, in lower case. */
  readonly domains: readonly string[]
  readonly algorithms: readonly DigestAlgorithm[]
  /** @default each domain is its own realm */
  readonly realm?: string | undefined
}

/** Users of a configuration. Their passwords are not kept. */
export class ConfiguredUsers implements UserDirectory {
  readonly #byDomain: ReadonlyMap<string, ReadonlyMap<string, Verifiers>>

  /** Throws `P2PSIP_BAD_CONFIG` for users that cannot work. */
  constructor(users: readonly User[], options: UserOptions) {
    const byDomain = new Map(options.domains.map((domain) => [domain, new Map<string, Verifiers>()]))
    for (const user of users) {
      for (const domain of domainsOf(user, options)) {
        const names = byDomain.get(domain)
        if (names === undefined) throw badUser(user.username, `a domain of this peer (${options.domains.join(", ")})`, domain)
        addUser(names, user, options.realm ?? domain, options.algorithms)
      }
    }
    this.#byDomain = byDomain
  }

  find(username: string, domain: string): Verifiers | undefined {
    return this.#byDomain.get(domain)?.get(username)
  }
}

/** The first of several directories that knows a user. */
export class UserDirectories implements UserDirectory {
  readonly #directories: readonly UserDirectory[]

  constructor(directories: readonly UserDirectory[]) {
    this.#directories = directories
  }

  find(username: string, domain: string): Soon<Verifiers | undefined> {
    return this.#findFrom(0, username, domain)
  }

  #findFrom(index: number, username: string, domain: string): Soon<Verifiers | undefined> {
    const directory = this.#directories[index]
    if (directory === undefined) return undefined
    const found = directory.find(username, domain)
    if (!(found instanceof Promise)) return found ?? this.#findFrom(index + 1, username, domain)
    return found.then((verifiers) => verifiers ?? this.#findFrom(index + 1, username, domain))
  }
}

function domainsOf(user: User, { domains, realm }: UserOptions): readonly string[] {
  if (user.domain !== undefined) return [user.domain.toLowerCase()]
  return "ha1" in user && realm === undefined ? domains.slice(0, 1) : domains
}

function addUser(names: Map<string, Verifiers>, user: User, realm: string, algorithms: readonly DigestAlgorithm[]): void {
  // Configuration is text, SIP messages are held one character per byte.
  const name = Buffer.from(user.username, "utf8").toString("latin1")
  if (name === "" || name.includes(":")) throw badUser(user.username, "a name that is not empty and has no colon", "this one")
  if (names.has(name)) throw badUser(user.username, "each name once", "it twice")
  const verifiers: Partial<Record<DigestAlgorithm, string>> = {}
  for (const algorithm of algorithms) verifiers[algorithm] = verifierOf(user, algorithm, realm)
  names.set(name, verifiers)
}

function verifierOf(user: User, algorithm: DigestAlgorithm, realm: string): string {
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
