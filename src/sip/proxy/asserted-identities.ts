/** Names that a request asserts beside its From (RFC 3325), which phones show instead. */
import { parseNameAddress } from "../message/index.ts"
import type { SipRequest, SipUri } from "../message/index.ts"
import type { ServedDomains } from "../registrar/served-domains.ts"

/** The second is older, and some phones prefer it. */
const assertions = ["P-Asserted-Identity", "Remote-Party-ID"]

/**
 * Takes from a request what asserts one of our users, or a telephone number,
 * other than its From, which has been judged: whoever sends it has not proved
 * that (§5). `mayAssert` says who is believed all the same. What is asserted
 * of other people's domains is theirs to judge.
 */
export function dropUnprovedIdentities({ headers, from }: SipRequest, domains: ServedDomains, mayAssert: (uri: SipUri) => boolean): void {
  for (const name of assertions) {
    if (!headers.has(name)) continue
    const values = headers.getAll(name)
    const kept = values.filter((value) => isProved(value, from.parsedUri, domains, mayAssert))
    if (kept.length === values.length) continue
    headers.remove(name)
    for (const value of kept) headers.append(name, value)
  }
}

function isProved(value: string, from: SipUri, domains: ServedDomains, mayAssert: (uri: SipUri) => boolean): boolean {
  try {
    const uri = domains.asSip(parseNameAddress(value, "identity").parsedUri, from)
    if (uri === undefined) return false
    return domains.domainOf(uri) === undefined || domains.addressOfRecord(uri) === domains.addressOfRecord(from) || mayAssert(uri)
  } catch {
    // What nobody can read proves nothing; somebody else might read it otherwise.
    return false
  }
}
