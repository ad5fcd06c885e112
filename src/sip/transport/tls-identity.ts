/** Whether a certificate is for a SIP domain (RFC 5922 §7). Pure. */
import type { X509Certificate } from "node:crypto"
import { isIP } from "node:net"

/**
 * Undefined where the certificate, which is valid otherwise, is for `name`, a
 * domain or an IP address; else what is wrong. No wildcards and no suffixes
 * (§7.2). A common name counts only where there are no alternative names.
 */
export function identityFault(name: string, certificate: X509Certificate): Error | undefined {
  const domains = sipDomainsOf(certificate)
  const isRight = domains.length > 0 ? domains.includes(name.toLowerCase()) : isFor(name, certificate)
  return isRight ? undefined : new Error(`expected a certificate for ${name}, found one for ${subjectsOf(certificate)}`)
}

/**
 * §7.1: the hosts of `sip:` URIs without a user. Where there are any, the DNS
 * names of the certificate are not meant for SIP.
 */
function sipDomainsOf({ subjectAltName = "" }: X509Certificate): readonly string[] {
  return valuesOf(subjectAltName)
    .map((value) => /^URI:sip:([^@;?]+)$/i.exec(value)?.[1])
    .filter((host) => host !== undefined)
    .map((host) => host.toLowerCase())
}

function isFor(name: string, certificate: X509Certificate): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined
  return certificate.checkHost(name, { wildcards: false, subject: certificate.subjectAltName === undefined ? "always" : "never" }) !== undefined
}

/** Node writes a value that holds a comma or a quote as a JSON string, so that none can pass for two. */
function valuesOf(subjectAltName: string): readonly string[] {
  const pieces = subjectAltName.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return pieces.map((piece) => piece.trim())
}

function subjectsOf({ subjectAltName, subject }: X509Certificate): string {
  return (subjectAltName ?? subject).replaceAll("\n", ", ").slice(0, 200)
}
