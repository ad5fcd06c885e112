/** Peers with a certificate. */
import { TestAuthority } from "../support/certificates.ts"
import { domain } from "./checks.ts"

/** What a scenario has prepared before its peers start. */
export interface Prepared {
  /** Further arguments for the peers. */
  readonly args: readonly string[]
  /** To be called when the peers have ended. */
  readonly release: () => void
}

/** Listeners of those transports, with a certificate for the domain and for 127.0.0.1. */
export async function secured(...transports: readonly ("tls" | "wss")[]): Promise<Prepared> {
  const authority = await TestAuthority.create()
  const { certificate, key } = await authority.issue("peer", [{ type: "dns", value: domain }, { type: "ip", value: "127.0.0.1" }])
  const listeners = transports.flatMap((transport) => ["--sip", `${transport}:127.0.0.1:0`])
  return { args: [...listeners, "--tls-certificate", certificate, "--tls-key", key], release: () => authority.remove() }
}
