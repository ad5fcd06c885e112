import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { chooseChallenge, credentialsFor } from "../../../src/security/digest-client.ts"
import { algorithmOf, digestResponse, hashA1, parseDigest, quote } from "../../../src/security/digest.ts"

describe("the digest response", () => {
  // RFC 7616 §3.9.1
  const mufasa = {
    method: "GET",
    uri: "/dir/index.html",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    qop: { nc: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" },
  }

  it.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ] as const)("is that of RFC 7616 §3.9.1 for %s", (algorithm, expected) => {
    const ha1 = hashA1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
    expect(digestResponse({ ...mufasa, algorithm, ha1 })).toBe(expected)
  })

  it("is made with SHA-512/256 of FIPS 180-4, which is not a shortened SHA-512", () => {
    const text = "Jäsøn Doe:api@example.org:Secret, or not?"
    const ha1 = hashA1("SHA-512-256", "Jäsøn Doe", "api@example.org", "Secret, or not?")
    expect(ha1).toBe(createHash("sha512-256").update(text).digest("hex"))
    expect(ha1).not.toBe(createHash("sha512").update(text).digest("hex").slice(0, 64))
  })

  it("is that of RFC 2617 §3.5 with qop, and of RFC 2069 without", () => {
    const ha1 = hashA1("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    const input = { algorithm: "MD5", ha1, method: "GET", uri: "/dir/index.html", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093" } as const
    expect(digestResponse({ ...input, qop: { nc: "00000001", cnonce: "0a4f113b" } })).toBe("6629fae49393a05397450978507c4ef1")
    expect(digestResponse(input)).toBe("670fd8c2df070c60b045671b8b24ff02")
  })
})

describe("the digest parser", () => {
  it("reads quoted and unquoted values, escapes and white space", () => {
    const parameters = parseDigest('Digest username="a\\"b\\\\c",realm = "x, y" ,\tNC=00000001,\r\n qop=auth')
    expect([...(parameters ?? [])]).toEqual([
      ["username", 'a"b\\c'],
      ["realm", "x, y"],
      ["nc", "00000001"],
      ["qop", "auth"],
    ])
  })

  it.each([
    ["another scheme", "Basic YWxhZGRpbg=="],
    ["a scheme alone", "Digest"],
    ["no parameter", "Digest "],
    ["a parameter without a value", "Digest realm"],
    ["an empty value", "Digest realm=,nonce=1"],
    ["an open quote", 'Digest realm="x'],
    ["an escape at the end", 'Digest realm="x\\'],
    ["a missing comma", 'Digest realm="x" nonce="y"'],
    ["a comma at the end", 'Digest realm="x",'],
    ["a parameter given twice", "Digest nc=00000001,nc=00000002"],
    ["more than 4,096 characters", `Digest realm="${"x".repeat(4096)}"`],
  ])("refuses %s", (_, text) => {
    expect(parseDigest(text)).toBeUndefined()
  })

  it("never throws, and reads back what quote wrote", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        parseDigest(text)
        parseDigest(`Digest ${text}`)
        expect(parseDigest(`Digest x=${quote(text)}`)?.get("x")).toBe(text)
      }),
    )
  })

  it("takes MD5 where no algorithm is named, and none it does not know", () => {
    expect(algorithmOf(new Map())).toBe("MD5")
    expect(algorithmOf(new Map([["algorithm", "sha-256"]]))).toBe("SHA-256")
    expect(algorithmOf(new Map([["algorithm", "MD5-sess"]]))).toBeUndefined()
  })
})

describe("the digest client", () => {
  const challenges = [
    'Digest realm="x", nonce="1", algorithm=SHA3-512, qop="auth"',
    'Digest realm="x", nonce="2", algorithm=SHA-256, qop="auth-int"',
    'Digest realm="x", nonce="3", algorithm=SHA-256, qop="auth-int, auth", opaque="o", stale=TRUE',
    'Digest realm="x", nonce="4", algorithm=MD5, qop="auth"',
  ]

  it("answers the first challenge that it can", () => {
    const challenge = chooseChallenge(challenges)
    expect(challenge).toEqual({ realm: "x", nonce: "3", algorithm: "SHA-256", withQop: true, opaque: "o", stale: true })
    expect(chooseChallenge(challenges.slice(0, 2))).toBeUndefined()
  })

  it("writes credentials that read back", () => {
    const challenge = chooseChallenge(challenges)
    if (!challenge) throw new Error("no challenge was chosen")
    const input = { username: 'Jäs"øn', password: "p", method: "REGISTER", uri: "sip:example.org", nonceCount: 10, cnonce: "c" }
    const parameters = parseDigest(credentialsFor(challenge, input))
    expect(parameters?.get("nc")).toBe("0000000a")
    expect(parameters?.get("opaque")).toBe("o")
    expect(Buffer.from(parameters?.get("username") ?? "", "latin1").toString()).toBe('Jäs"øn')
    expect(parameters?.get("response")).toHaveLength(64)
  })
})
