import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { MemoryServlet } from "../../../backends/memory/index.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { parseConfig } from "../../../src/peer/config.ts"
import { userDirectoryOf } from "../../../src/peer/user-directories.ts"
import type { FindUser } from "../../../src/peer/user-directories.ts"
import { makeUserRecord, parseUserName, readUserRecord, userKey, userValueHash } from "../../../src/peer/user-record.ts"
import { hashA1 } from "../../../src/security/digest.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

async function setUp(config: Parameters<typeof parseConfig>[0], findUser?: FindUser) {
  const runtime = new ManualRuntime()
  const servlet = new MemoryServlet({ runtime })
  await servlet.join([])
  const users = userDirectoryOf({ runtime, servlet, findUser }, parseConfig(config))
  const store = (name: string, domain: string, value: Uint8Array) => servlet.put(userKey(name, domain), value, { valueHash: userValueHash })
  return { users, store }
}

describe("a peer finds a user", () => {
  it("that was stored in the overlay", async () => {
    const { users, store } = await setUp({ domains: ["example.org"], overlayUsers: true })
    await store("Jörg", "Example.ORG", makeUserRecord("Jörg", "example.org", "secret"))
    const found = await users?.find(Buffer.from("Jörg").toString("latin1"), "example.org")
    expect(found?.["SHA-256"]).toBe(hashA1("SHA-256", "Jörg", "example.org", "secret"))
    expect(await users?.find("alice", "example.org")).toBe(undefined)
  })

  it("not where the name is longer than any key: that is no failure of the overlay", async () => {
    const { users } = await setUp({ domains: ["example.org"], overlayUsers: true })
    expect(await users?.find("a".repeat(2000), "example.org")).toBe(undefined)
  })

  it("not where the record is for another realm, or no record", async () => {
    const { users, store } = await setUp({ domains: ["example.org"], overlayUsers: true, realm: "Phones" })
    await store("alice", "example.org", makeUserRecord("alice", "example.org", "secret"))
    await store("bob", "example.org", Buffer.from("nonsense"))
    expect(await users?.find("alice", "example.org")).toBe(undefined)
    expect(await users?.find("bob", "example.org")).toBe(undefined)
  })

  it("that the program knows, by password or by hash", async () => {
    const ha1 = { MD5: "AB".repeat(16) }
    const found: FindUser = async (username) => (username === "alice" ? { password: "secret" } : username === "bob" ? { ha1 } : undefined)
    const { users } = await setUp({ domains: ["example.org"] }, found)
    expect((await users?.find("alice", "example.org"))?.MD5).toBe(hashA1("MD5", "alice", "example.org", "secret"))
    expect(await users?.find("bob", "example.org")).toEqual({ MD5: "ab".repeat(16) })
    expect(await users?.find("carol", "example.org")).toBe(undefined)
  })

  it("nowhere, and registration is open, where there are no users", async () => {
    expect((await setUp({ domains: ["example.org"] })).users).toBe(undefined)
  })
})

describe("a user record", () => {
  it("holds no password, and a verifier for every algorithm", () => {
    const bytes = makeUserRecord("alice", "example.org", "open sesame")
    expect(Buffer.from(bytes).toString("latin1")).not.toContain("sesame")
    expect(Object.keys(readUserRecord(bytes).verifiers).sort()).toEqual(["MD5", "SHA-256", "SHA-512-256"])
  })

  it("is read or refused, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(typeof readUserRecord(bytes).realm).toBe("string")
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
        }
      }),
    )
  })
})

it.each(["alice", "@example.org", "alice@", "a:b@example.org"])("%s is no name of a user", (text) => {
  expect(() => parseUserName(text)).toThrow("expected NAME@DOMAIN")
})
