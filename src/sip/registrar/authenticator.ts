/**
 * Who may register and call, as SIP sees it: a port. `security` implements it
 * with digest; a test may implement it with a table.
 *
 * User names are text as SIP messages hold it: one character per byte.
 */
import type { Soon } from "../../soon.ts"

/** What the credentials of one request are worth. */
export type Verdict =
  | { readonly kind: "authentic"; readonly username: string }
  /** Missing, malformed or wrong. `stale`: only the nonce is; the client tries again without asking the user. */
  | { readonly kind: "refused"; readonly stale: boolean }
  /** Not judged: there were too many wrong ones. */
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }

/** What a request shows. */
export interface Presented {
  /** The values of all Authorization (or Proxy-Authorization) headers. */
  readonly credentials: readonly string[]
  readonly method: string
  /** The domain, in lower case, that the user must belong to. */
  readonly domain: string
  /** The host that it came from. */
  readonly source: string
  /**
   * The same text for each retransmission of one request. Valid credentials
   * are good for one request; with this the retransmissions pass as well.
   * Without it they are refused, which is right where a transaction absorbs them.
   */
  readonly retransmissionKey?: string
}

/** See the head of this file. Rejections mean that it cannot be told just now. */
export interface Authenticator {
  /** Whether the domain has such a user. */
  knows(username: string, domain: string): Soon<boolean>
  /** Values for WWW-Authenticate or Proxy-Authenticate headers, each a header of its own, the preferred algorithm first; good for that source. */
  challenges(domain: string, source: string, stale: boolean): readonly string[]
  /** Whether credentials, the value of one header, answer our challenges for a domain: then they are nobody else's business. */
  isOurs(credentials: string, domain: string): boolean
  /** Judges the credentials of a request. */
  verify(presented: Presented): Soon<Verdict>
}
