import type { Runtime } from "../../src/runtime/runtime.ts"
import { DigestAuthenticator } from "../../src/security/digest-authenticator.ts"
import type { DigestOptions } from "../../src/security/digest-authenticator.ts"
import { ConfiguredUsers } from "../../src/security/users.ts"
import type { User } from "../../src/security/users.ts"

/** Digest for users of a configuration. */
export function digestFor(runtime: Runtime, users: readonly User[], options: DigestOptions & { readonly domains?: readonly string[] } = {}): DigestAuthenticator {
  const { realm, algorithms = ["SHA-256", "MD5"], domains = ["example.org"] } = options
  return new DigestAuthenticator({ runtime, users: new ConfiguredUsers(users, { domains, algorithms, realm }) }, options)
}
