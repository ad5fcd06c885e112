/**
 * Who may register and call, as SIP sees it: a port. `security` implements it
 * with digest; a test may implement it with a table.
 *
 * User names are text as SIP messages hold it: one character per byte.
 */

/** What the credentials of one request are worth. */
export type Verdict =
  | { readonly kind: "authentic"; readonly username: string }
  /** Missing, malformed or wrong. `stale`: right but for a nonce that is used up; the client tries again without asking the user. */
  | { readonly kind: "refused"; readonly stale: boolean }

/** See the head of this file. */
export interface Authenticator {
  /** Whether there is such a user. */
  knows(username: string): boolean
  /** Values for WWW-Authenticate or Proxy-Authenticate headers, each a header of its own, the preferred algorithm first. */
  challenges(stale: boolean): readonly string[]
  /**
   * Judges the values of all Authorization (or Proxy-Authorization) headers of
   * a request. Valid credentials are good for one request;
   * `retransmissionKey`, the same text for each retransmission of one request,
   * lets the retransmissions pass as well. Without it they are refused, which
   * is right where a transaction absorbs them.
   */
  verify(credentials: readonly string[], method: string, retransmissionKey?: string): Verdict
}
