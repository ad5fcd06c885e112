import { describe, expect, it } from "vitest"
import { isP2PSipError } from "../../../src/errors.ts"
import { DigestAuthenticator } from "../../../src/security/digest-authenticator.ts"
import type { DigestOptions } from "../../../src/security/digest-authenticator.ts"
import { chooseChallenge, credentialsFor } from "../../../src/security/digest-client.ts"
import { digestResponse, hashA1, parseDigest } from "../../../src/security/digest.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

const users = [
  { username: "alice", password: "secret of alice" },
  { username: "Jörg", password: "Schlüssel" },
]

function setUp(options: Partial<DigestOptions> = {}) {
  const runtime = new ManualRuntime()
  const authenticator = new DigestAuthenticator({ runtime }, { realm: "example.org", users, ...options })
  const challenge = () => {
    const chosen = chooseChallenge(authenticator.challenges(false))
    if (!chosen) throw new Error("no challenge")
    return chosen
  }
  return { runtime, authenticator, challenge }
}

const request = { username: "alice", password: "secret of alice", method: "REGISTER", uri: "sip:example.org", nonceCount: 1, cnonce: "c" }
const authentic = { kind: "authentic", username: "alice" }
const refused = { kind: "refused", stale: false }
const stale = { kind: "refused", stale: true }

describe("digest authentication", () => {
  it("offers one challenge for each algorithm, in the order of the options", () => {
    const offered = (options: Partial<DigestOptions>) =>
      setUp(options)
        .authenticator.challenges(false)
        .map((text) => parseDigest(text)?.get("algorithm"))
    expect(offered({})).toEqual(["SHA-256", "MD5"])
    expect(offered({ algorithms: ["SHA-512-256", "MD5"] })).toEqual(["SHA-512-256", "MD5"])
    expect(setUp().authenticator.challenges(true)[0]).toContain("stale=true")
  })

  it.each(["SHA-512-256", "SHA-256", "MD5"] as const)("accepts right credentials with %s", (algorithm) => {
    const { authenticator, challenge } = setUp({ algorithms: [algorithm] })
    expect(authenticator.verify([credentialsFor(challenge(), request)], "REGISTER")).toEqual(authentic)
  })

  it("accepts a name beyond ASCII and gives it as the message holds it", () => {
    const { authenticator, challenge } = setUp()
    const name = Buffer.from("Jörg").toString("latin1")
    const credentials = credentialsFor(challenge(), { ...request, username: "Jörg", password: "Schlüssel" })
    expect(authenticator.verify([credentials], "REGISTER")).toEqual({ kind: "authentic", username: name })
    expect(authenticator.knows(name)).toBe(true)
    expect(authenticator.knows("bob")).toBe(false)
  })

  it("accepts a stored hash instead of a password", () => {
    const ha1 = { "SHA-256": hashA1("SHA-256", "carol", "example.org", "x"), MD5: hashA1("MD5", "carol", "example.org", "x").toUpperCase() }
    const { authenticator, challenge } = setUp({ users: [{ username: "carol", ha1 }] })
    const credentials = credentialsFor(challenge(), { ...request, username: "carol", password: "x" })
    expect(authenticator.verify([credentials], "REGISTER").kind).toBe("authentic")
  })

  it("looks for its own realm among several credentials", () => {
    const { authenticator, challenge } = setUp()
    const foreign = credentialsFor({ ...challenge(), realm: "example.com" }, request)
    expect(authenticator.verify([foreign, credentialsFor(challenge(), request)], "REGISTER")).toEqual(authentic)
    expect(authenticator.verify([foreign], "REGISTER")).toEqual(refused)
  })

  it.each([
    ["no credentials", () => []],
    ["nonsense", () => ["Digest"]],
    ["a wrong password", (sign: Sign) => [sign({ password: "guess" })]],
    ["an unknown user", (sign: Sign) => [sign({ username: "mallory" })]],
    ["another method", (sign: Sign) => [sign({ method: "INVITE" })]],
    ["a count of zero", (sign: Sign) => [sign({ nonceCount: 0 })]],
    ["an empty cnonce", (sign: Sign) => [sign({ cnonce: "" })]],
    ["a changed URI", (sign: Sign) => [sign({}).replace("sip:example.org", "sip:example.net")]],
    ["a qop that was not offered", (sign: Sign) => [sign({}).replace("qop=auth", "qop=auth-int")]],
    ["an algorithm that was not offered", (sign: Sign) => [sign({}).replace("algorithm=SHA-256", "algorithm=SHA-512-256")]],
  ])("refuses %s", (_, make) => {
    const { authenticator, challenge } = setUp()
    const sign: Sign = (changes) => credentialsFor(challenge(), { ...request, ...changes })
    expect(authenticator.verify(make(sign), "REGISTER")).toEqual(refused)
  })
})

type Sign = (changes: Partial<typeof request>) => string

describe("nonces", () => {
  it("are good for many requests with a growing count, and for no replay", () => {
    const { authenticator, challenge } = setUp()
    const chosen = challenge()
    const verify = (nonceCount: number) => authenticator.verify([credentialsFor(chosen, { ...request, nonceCount })], "REGISTER")
    expect(verify(1)).toEqual(authentic)
    expect(verify(1)).toEqual(stale)
    expect(verify(5)).toEqual(authentic)
    expect(verify(4)).toEqual(stale)
    expect(verify(6)).toEqual(authentic)
  })

  it("let the retransmissions of one request pass, and no other request with its credentials", () => {
    const { authenticator, challenge } = setUp()
    const credentials = credentialsFor(challenge(), request)
    expect(authenticator.verify([credentials], "REGISTER", "first")).toEqual(authentic)
    expect(authenticator.verify([credentials], "REGISTER", "first")).toEqual(authentic)
    expect(authenticator.verify([credentials], "REGISTER", "second")).toEqual(stale)
  })

  it("are stale after their lifetime, and when they are another process's", () => {
    const { runtime, authenticator, challenge } = setUp({ lifetimeSeconds: 60 })
    const chosen = challenge()
    runtime.advance(60_000)
    expect(authenticator.verify([credentialsFor(chosen, request)], "REGISTER")).toEqual(authentic)
    runtime.advance(1)
    expect(authenticator.verify([credentialsFor(chosen, { ...request, nonceCount: 2 })], "REGISTER")).toEqual(stale)
    const foreign = { ...challenge(), nonce: "A".repeat(32) }
    expect(authenticator.verify([credentialsFor(foreign, request)], "REGISTER")).toEqual(stale)
    expect(authenticator.verify([credentialsFor({ ...foreign, nonce: "short" }, request)], "REGISTER")).toEqual(stale)
  })

  it("do not tell who does not know the password whether they are stale", () => {
    const { authenticator, challenge } = setUp()
    const foreign = { ...challenge(), nonce: "A".repeat(32) }
    expect(authenticator.verify([credentialsFor(foreign, { ...request, password: "guess" })], "REGISTER")).toEqual(refused)
  })

  it("refuse replays also when more are in use than are remembered", () => {
    const { runtime, authenticator, challenge } = setUp({ maxUsed: 2 })
    const used = Array.from({ length: 4 }, () => {
      const credentials = credentialsFor(challenge(), request)
      expect(authenticator.verify([credentials], "REGISTER")).toEqual(authentic)
      runtime.advance(1)
      return credentials
    })
    for (const credentials of used) expect(authenticator.verify([credentials], "REGISTER")).toEqual(stale)
    expect(authenticator.verify([credentialsFor(challenge(), request)], "REGISTER")).toEqual(authentic)
  })
})

describe("phones from before RFC 2617", () => {
  const legacy = (nonce: string) => {
    const ha1 = hashA1("MD5", "alice", "example.org", "secret of alice")
    const response = digestResponse({ algorithm: "MD5", ha1, method: "REGISTER", uri: "sip:example.org", nonce })
    return `Digest username="alice", realm="example.org", nonce="${nonce}", uri="sip:example.org", response="${response}"`
  }

  it("authenticate once with each nonce", () => {
    const { authenticator, challenge } = setUp()
    const credentials = legacy(challenge().nonce)
    expect(authenticator.verify([credentials], "REGISTER", "key")).toEqual(authentic)
    expect(authenticator.verify([credentials], "REGISTER", "key")).toEqual(authentic)
    expect(authenticator.verify([credentials], "REGISTER", "other")).toEqual(stale)
  })

  it("are refused when the options say so", () => {
    const { authenticator, challenge } = setUp({ allowWithoutQop: false })
    expect(authenticator.verify([legacy(challenge().nonce)], "REGISTER")).toEqual(refused)
  })

  it("cannot take qop away from SHA-256", () => {
    const { authenticator, challenge } = setUp()
    const credentials = credentialsFor({ ...challenge(), withQop: false }, request)
    expect(authenticator.verify([credentials], "REGISTER")).toEqual(refused)
  })
})

describe("a wrong configuration of users", () => {
  it.each<[string, Partial<DigestOptions>, string]>([
    ["no algorithm", { algorithms: [] }, "algorithms: expected one or more of"],
    ["a missing hash", { users: [{ username: "a", ha1: {} }] }, 'user "a": expected a stored ha1 of 64 hexadecimal digits for SHA-256'],
    ["a hash of the wrong length", { users: [{ username: "a", ha1: { "SHA-256": "12" } }] }, 'user "a": expected a stored ha1'],
    ["a user twice", { users: [users[0], users[0]].filter((user) => user !== undefined) }, 'user "alice": expected each name once'],
    ["a colon in a name", { users: [{ username: "a:b", password: "x" }] }, 'user "a:b": expected a name'],
    ["an empty name", { users: [{ username: "", password: "x" }] }, 'user "": expected a name'],
  ])("is named: %s", (_, options, message) => {
    const attempt = () => setUp(options)
    expect(attempt).toThrow(message)
    try {
      attempt()
    } catch (error) {
      expect(isP2PSipError(error, "P2PSIP_BAD_CONFIG")).toBe(true)
      expect(String(error)).not.toContain("secret")
    }
  })
})
