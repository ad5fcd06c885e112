import { describe, expect, it } from "vitest"
import { isP2PSipError } from "../../../src/errors.ts"
import type { DigestOptions } from "../../../src/security/digest-authenticator.ts"
import { chooseChallenge, credentialsFor } from "../../../src/security/digest-client.ts"
import { digestResponse, hashA1, parseDigest } from "../../../src/security/digest.ts"
import type { User } from "../../../src/security/users.ts"
import type { Verdict } from "../../../src/sip/registrar/authenticator.ts"
import { digestFor } from "../../support/digest.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

const users = [
  { username: "alice", password: "secret of alice" },
  { username: "Jörg", password: "Schlüssel" },
]

interface Options extends DigestOptions {
  readonly users?: readonly User[]
}

function setUp({ users: others = users, ...options }: Options = {}) {
  const runtime = new ManualRuntime()
  const digest = digestFor(runtime, others, options)
  const authenticator = {
    challenges: (isStale: boolean, source = "192.0.2.1") => digest.challenges("example.org", source, isStale),
    knows: (name: string) => digest.knows(name, "example.org"),
    verify(credentials: readonly string[], method: string, key?: string, source = "192.0.2.1"): Verdict {
      const presented = { credentials, method, domain: "example.org", source, ...(key === undefined ? {} : { retransmissionKey: key }) }
      const verdict = digest.verify(presented)
      if (verdict instanceof Promise) throw new Error("users of a configuration are known at once")
      return verdict
    },
  }
  const challenge = (source?: string) => {
    const chosen = chooseChallenge(authenticator.challenges(false, source))
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
    const offered = (options: Options) =>
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

  it("are judged before the password, so that nothing is learnt about it from an address that is not one's own", () => {
    const { authenticator, challenge } = setUp()
    const guess = credentialsFor(challenge("192.0.2.66"), { ...request, password: "guess" })
    expect(authenticator.verify([guess], "REGISTER")).toEqual(stale)
    expect(authenticator.verify([guess], "REGISTER", undefined, "192.0.2.66")).toEqual(refused)
  })

  it.each([
    ["192.0.2.1", "192.0.2.1", authentic],
    ["192.0.2.1", "::ffff:192.0.2.1", authentic],
    ["2001:db8:1:2::3", "2001:db8:1:2:4:5:6:7", authentic],
    ["192.0.2.1", "192.0.2.2", stale],
    ["2001:db8:1:2::3", "2001:db8:1:3::3", stale],
  ])("issued to %s and used from %s", (issuedTo, usedFrom, expected) => {
    const { authenticator, challenge } = setUp()
    const credentials = credentialsFor(challenge(issuedTo), request)
    expect(authenticator.verify([credentials], "REGISTER", undefined, usedFrom)).toEqual(expected)
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
  it.each<[string, Options, string]>([
    ["another peer's domain", { users: [{ username: "a", domain: "example.com", password: "x" }] }, 'user "a": expected a domain of this peer (example.org), found example.com'],
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
