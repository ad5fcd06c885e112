import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { identityFault } from "../../../../src/sip/transport/tls-identity.ts"
import { TestAuthority } from "../../../support/certificates.ts"

let authority: TestAuthority
beforeAll(async () => void (authority = await TestAuthority.create()))
afterAll(() => authority.remove())

type Names = Parameters<TestAuthority["issue"]>[1]

async function isFor(name: string, names: Names, commonName?: string): Promise<boolean> {
  const { certificate } = await authority.issue("any", names, commonName)
  return identityFault(name, new X509Certificate(readFileSync(certificate))) === undefined
}

const dns = (value: string) => ({ type: "dns" as const, value })
const uri = (value: string) => ({ type: "url" as const, value })

describe("a certificate is for a SIP domain (RFC 5922 §7) when", () => {
  test.each<[string, string, Names, string | undefined, boolean]>([
    ["it has the DNS name", "example.com", [dns("other.org"), dns("example.com")], undefined, true],
    ["it has the name in another case", "EXAMPLE.com", [dns("Example.COM")], undefined, true],
    ["it has the SIP URI", "example.com", [uri("sip:example.com")], undefined, true],
    ["it has the IP address", "127.0.0.1", [{ type: "ip", value: "127.0.0.1" }], undefined, true],
    ["it has no names at all, but the common name", "example.com", [], "example.com", true],
    ["not: another name", "example.com", [dns("example.org")], undefined, false],
    ["not: a subdomain", "sip.example.com", [dns("example.com")], undefined, false],
    ["not: a wildcard", "sip.example.com", [dns("*.example.com")], undefined, false],
    ["not: a DNS name beside a SIP URI for another", "example.com", [dns("example.com"), uri("sip:example.org")], undefined, false],
    ["not: a SIP URI of a user", "example.com", [uri("sip:alice@example.com")], undefined, false],
    ["not: a URI of another scheme", "example.com", [uri("https://example.com")], undefined, false],
    ["not: a common name beside other names", "example.com", [dns("example.org")], "example.com", false],
    ["not: another IP address", "127.0.0.2", [{ type: "ip", value: "127.0.0.1" }], undefined, false],
    ["not: a URI that tries to be two names", "example.com", [uri('sip:a@b", URI:sip:example.com')], undefined, false],
  ])("%s", async (_when, name, names, commonName, expected) => {
    expect(await isFor(name, names, commonName)).toBe(expected)
  })

  test("the fault says what was expected and found", async () => {
    const { certificate } = await authority.issue("any", [dns("example.org")])
    const fault = identityFault("example.com", new X509Certificate(readFileSync(certificate)))
    expect(fault?.message).toBe("expected a certificate for example.com, found one for DNS:example.org")
  })
})
