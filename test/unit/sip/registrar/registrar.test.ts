import { describe, expect, it } from "vitest"
import { P2PSipError } from "../../../../src/errors.ts"
import { chooseChallenge, credentialsFor } from "../../../../src/security/digest-client.ts"
import type { SipResponse } from "../../../../src/sip/message/index.ts"
import { settle } from "../../../support/manual-runtime.ts"
import { contactsOf, flow, path, request, setUp } from "../../../support/registrar-world.ts"
import type { Changes } from "../../../support/registrar-world.ts"

describe("a REGISTER binds", () => {
  it("a contact for the default time, and the answer lists it", async () => {
    const { register, location } = setUp()
    const response = await register(request({ "User-Agent": "phone 1.0" }))
    expect(response.status).toBe(200)
    expect(contactsOf(response)).toEqual(["<sip:alice@192.0.2.4>;expires=3600"])
    expect(response.headers.get("Date")).toBe("Thu, 01 Jan 2026 00:00:00 GMT")
    expect(response.to.tag).toMatch(/^[0-9a-f]{16}$/)
    const [update] = location.updates
    expect(update?.addressOfRecord).toBe("sip:alice@example.org")
    expect(update?.operationId).toHaveLength(8)
    expect(update?.changes).toMatchObject([{ kind: "bind", binding: { path: [path], userAgent: "phone 1.0", callId: "call-1" } }])
  })

  it.each<[string, Changes, string]>([
    ["Expires", { Expires: "600" }, ";expires=600"],
    ["its own expires before Expires", { Expires: "600", Contact: "<sip:alice@192.0.2.4>;expires=120" }, ";expires=120"],
    ["one hour where Expires is malformed", { Expires: "soon" }, ";expires=3600"],
    ["one hour where expires is malformed", { Contact: "<sip:alice@192.0.2.4>;expires=-1" }, ";expires=3600"],
    ["the longest time allowed", { Expires: "4294967295" }, ";expires=7200"],
    ["one hour for more than 32 bits", { Expires: "4294967296" }, ";expires=3600"],
    ["the shortest time allowed", { Expires: "60" }, ";expires=60"],
  ])("for %s", async (_, changes, expected) => {
    const { register } = setUp()
    expect(contactsOf(await register(request(changes)))).toEqual([`<sip:alice@192.0.2.4>${expected}`])
  })

  it("several contacts with q and parameters of their own", async () => {
    const { register } = setUp()
    const contact = ['"A" <sip:a@192.0.2.4>;q=0.5;expires=100', '<sip:b@192.0.2.4;ob>;+sip.instance="<urn:uuid:1>";q=1.0, sip:c@192.0.2.4;q=0']
    expect(contactsOf(await register(request({ Contact: contact })))).toEqual([
      "<sip:a@192.0.2.4>;expires=100;q=0.5",
      '<sip:b@192.0.2.4;ob>;expires=3600;+sip.instance="<urn:uuid:1>"',
      "<sip:c@192.0.2.4>;expires=3600;q=0",
    ])
  })

  it("the later of two contacts that are equal", async () => {
    const { register } = setUp()
    const response = await register(request({ Contact: ["<sip:a@192.0.2.4>;expires=100", "<sip:%61@192.0.2.4>;expires=200"] }))
    expect(contactsOf(response)).toEqual(["<sip:%61@192.0.2.4>;expires=200"])
  })

  it("a contact anew: the stored one is replaced", async () => {
    const { register } = setUp()
    await register(request({ Expires: "100" }))
    expect(contactsOf(await register(request({ Expires: "200" })))).toEqual(["<sip:alice@192.0.2.4>;expires=200"])
  })
})

describe("a REGISTER removes", () => {
  it("what has expires=0 and leaves the rest", async () => {
    const { register } = setUp()
    await register(request({ Contact: ["<sip:a@192.0.2.4>", "<sip:b@192.0.2.4>"] }))
    const response = await register(request({ Contact: ["<sip:a@192.0.2.4>;expires=0"] }))
    expect(contactsOf(response)).toEqual(["<sip:b@192.0.2.4>;expires=3600"])
  })

  it("everything with * and Expires: 0", async () => {
    const { register } = setUp()
    await register(request({ Contact: ["<sip:a@192.0.2.4>", "<sip:b@192.0.2.4>"] }))
    const response = await register(request({ Contact: "*", Expires: "0" }))
    expect(response.status).toBe(200)
    expect(contactsOf(response)).toEqual([])
  })

  it.each<[string, Changes]>([
    ["without Expires", { Contact: "*" }],
    ["with Expires above 0", { Contact: "*", Expires: "1" }],
    ["with a parameter", { Contact: "*;expires=0", Expires: "0" }],
    ["with another contact", { Contact: ["*", "<sip:a@192.0.2.4>"], Expires: "0" }],
  ])("nothing with * %s: 400", async (_, changes) => {
    const { register, location } = setUp()
    expect((await register(request(changes))).status).toBe(400)
    expect(location.updates).toEqual([])
  })
})

it("a REGISTER without Contact asks what is bound and changes nothing", async () => {
  const { register, location } = setUp()
  await register(request())
  const response = await register(request({ Contact: undefined, "Call-ID": "another" }))
  expect(contactsOf(response)).toEqual(["<sip:alice@192.0.2.4>;expires=3600"])
  expect(location.updates).toHaveLength(1)
})

describe("a REGISTER is refused as a whole", () => {
  it.each<[string, Changes, number, string]>([
    ["too short a time", { Expires: "59" }, 423, "Interval Too Brief"],
    ["too short a time for one of its contacts", { Contact: ["<sip:a@192.0.2.4>", "<sip:b@192.0.2.4>;expires=5"] }, 423, "Interval Too Brief"],
    ["a malformed q", { Contact: "<sip:a@192.0.2.4>;q=1.5" }, 400, "Malformed q in Contact"],
    ["a malformed contact", { Contact: ["<sip:a@192.0.2.4>", "<sip:b@192.0.2.4"] }, 400, "Missing > in Contact"],
    ["a malformed host", { Contact: "<sip:a@b c>" }, 400, "Malformed URI in Contact"],
    ["a long contact", { Contact: `<sip:${"a".repeat(1100)}@192.0.2.4>` }, 400, "Contact Too Long"],
    ["many contacts", { Contact: Array.from({ length: 17 }, (_, i) => `<sip:${i}@192.0.2.4>`) }, 403, "Too Many Contacts"],
    ["a long Path", { Path: Array.from({ length: 9 }, () => "<sip:192.0.2.9;lr>") }, 400, "Path Too Long"],
    ["an unknown extension", { Require: "path, foo, bar" }, 420, "Bad Extension"],
    ["an address-of-record of other people", { To: "<sip:alice@example.com>" }, 404, "Not Found"],
    ["an address-of-record without a user", { To: "<sip:example.org>" }, 404, "Not Found"],
  ])("for %s", async (_, changes, status, reason) => {
    const { register, location } = setUp()
    const response = await register(request(changes))
    expect([response.status, response.reason]).toEqual([status, reason])
    expect(location.updates).toEqual([])
    if (status === 423) expect(response.headers.get("Min-Expires")).toBe("60")
    if (status === 420) expect(response.headers.getAll("Unsupported")).toEqual(["foo", "bar"])
  })

  it("for an old CSeq of the same Call-ID, while another Call-ID may start anew", async () => {
    const { register } = setUp()
    await register(request({ CSeq: "10 REGISTER" }))
    const response = await register(request({ CSeq: "9 REGISTER", Contact: ["<sip:new@192.0.2.4>", "<sip:alice@192.0.2.4>"] }))
    expect([response.status, response.reason]).toEqual([500, "CSeq Out Of Order"])
    const listed = await register(request({ CSeq: "1 REGISTER", "Call-ID": "call-2" }))
    expect(contactsOf(listed)).toEqual(["<sip:alice@192.0.2.4>;expires=3600"])
  })

  it("when the location service holds too many bindings already", async () => {
    const { register, location } = setUp()
    location.maxBindings = 1
    await register(request())
    const response = await register(request({ Contact: "<sip:second@192.0.2.4>" }))
    expect([response.status, response.reason]).toEqual([403, "Too Many Contacts"])
  })

  it("when the location service does not answer: 503 with Retry-After", async () => {
    const { register, location } = setUp({ retryAfterSeconds: 10 })
    location.failure = new P2PSipError("P2PSIP_TIMEOUT", "no answer")
    for (const response of [await register(request()), await register(request({ Contact: undefined }))]) {
      expect(response.status).toBe(503)
      const seconds = Number(response.headers.get("Retry-After"))
      expect(seconds).toBeGreaterThanOrEqual(10)
      expect(seconds).toBeLessThanOrEqual(20)
    }
  })

  it("when too many wait already: 503", () => {
    const { registrar, responses } = setUp({ maxPending: 1 })
    registrar.handle(request({ "Call-ID": "1" }), flow)
    registrar.handle(request({ "Call-ID": "2" }), flow)
    expect(responses.map(({ status }) => status)).toEqual([503])
    expect(registrar.pending).toBe(1)
  })
})

describe("the domain", () => {
  it("of other people, and other methods, are left to the proxy", () => {
    const { registrar } = setUp()
    expect(registrar.handle(request({}, "sip:example.com"), flow)).toBe(false)
    expect(registrar.handle(request({}, "tel:+123"), flow)).toBe(false)
    const options = request()
    options.method = "OPTIONS"
    expect(registrar.handle(options, flow)).toBe(false)
  })

  it("that is malformed is answered 400", async () => {
    const { register } = setUp()
    expect((await register(request({}, "sip:alice@b@c"))).status).toBe(400)
  })

  it.each([
    ["<sip:alice@EXAMPLE.org:5080;user=phone>", "sip:alice@example.org"],
    ["<sip:%61lice@example.net>", "sip:alice@example.net"],
    ["<sips:alice@example.org>", "sip:alice@example.org"],
    ["<sip:alice@127.0.0.1:5060>", "sip:alice@example.org"],
    ["<sip:a%40b@example.org>", "sip:a@b@example.org"],
  ])("makes %s the address-of-record %s", async (to, expected) => {
    const { register, location } = setUp()
    expect((await register(request({ To: to }))).status).toBe(200)
    expect(location.updates[0]?.addressOfRecord).toBe(expected)
  })
})

describe("Path", () => {
  it("of proxies before us comes after our own, and is shown to phones that know it", async () => {
    const { register, location } = setUp()
    const outer = "<sip:192.0.2.9;lr>"
    const response = await register(request({ Path: outer, Supported: "gruu, path" }))
    expect(location.updates[0]?.changes).toMatchObject([{ binding: { path: [path, outer] } }])
    expect(response.headers.getAll("Path")).toEqual([path, outer])
    expect((await register(request({ Path: outer }))).headers.has("Path")).toBe(false)
  })
})

describe("retransmissions", () => {
  it("are the same operation and get the same answer", async () => {
    const { register, location } = setUp()
    const first = request({ CSeq: "77 REGISTER" })
    const answers = [await register(first), await register(first.clone())]
    expect(answers[1]?.toString()).toBe(answers[0]?.toString())
    expect(answers[0]?.status).toBe(200)
    const [one, other] = location.updates
    expect(other?.operationId).toEqual(one?.operationId)
  })

  it("are absorbed while the first is dealt with", async () => {
    const { registrar, responses } = setUp()
    const first = request()
    registrar.handle(first, flow)
    registrar.handle(first.clone(), flow)
    await settle()
    expect(responses).toHaveLength(1)
  })

  it("are told from other requests by each name of the transaction", async () => {
    const { register, location } = setUp()
    const same = { CSeq: "1 REGISTER", Contact: "<sip:x@192.0.2.4>;expires=0" }
    await register(request(same))
    for (const change of [{ "Call-ID": "b" }, { From: "<sip:alice@example.org>;tag=b" }, { Via: "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK2" }]) {
      await register(request({ ...same, ...change }))
    }
    const operations = location.updates.map(({ operationId }) => Buffer.from(operationId).toString("hex"))
    expect(new Set(operations).size).toBe(4)
  })
})

describe("with users", () => {
  const users = [{ username: "alice", password: "pass" }]

  /** The credentials that answer a 401. */
  function answer(response: SipResponse, username = "alice", password = "pass"): string {
    const challenge = chooseChallenge(response.headers.getAll("WWW-Authenticate"))
    if (!challenge) throw new Error("no challenge")
    return credentialsFor(challenge, { username, password, method: "REGISTER", uri: "sip:example.org", nonceCount: 1, cnonce: "c" })
  }

  it("a phone is challenged, then accepted, and its retransmission as well", async () => {
    const { register, location } = setUp({}, users)
    const challenge = await register(request())
    expect(challenge.status).toBe(401)
    expect(challenge.headers.count("WWW-Authenticate")).toBe(2)
    const authorized = request({ Authorization: answer(challenge) })
    expect((await register(authorized)).status).toBe(200)
    expect((await register(authorized.clone())).status).toBe(200)
    expect(location.updates).toHaveLength(2)
  })

  it("a replay in another request is refused as stale", async () => {
    const { register } = setUp({}, users)
    const authorization = answer(await register(request()))
    await register(request({ Authorization: authorization }))
    const replay = await register(request({ Authorization: authorization, Contact: "<sip:thief@192.0.2.66>" }))
    expect(replay.status).toBe(401)
    expect(replay.headers.get("WWW-Authenticate")).toContain("stale=true")
  })

  it.each<[string, Changes, string, number]>([
    ["a wrong password", {}, "guess", 401],
    ["another user's address-of-record", { To: "<sip:bob@example.org>" }, "pass", 403],
    ["other people's address-of-record", { To: "<sip:alice@example.com>" }, "pass", 404],
  ])("%s is refused", async (_, changes, password, status) => {
    const { register, location } = setUp({}, users)
    const challenge = await register(request(changes))
    expect(challenge.status).toBe(401)
    const response = await register(request({ ...changes, Authorization: answer(challenge, "alice", password) }))
    expect(response.status).toBe(status)
    expect(location.updates).toEqual([])
  })
})
