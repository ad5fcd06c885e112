import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { GruuKey } from "../../../../src/sip/registrar/gruu-key.ts"
import { keyNumberOf, openGruu, sealGruu } from "../../../../src/sip/registrar/temporary-gruu.ts"

const key = new GruuKey(2900, Buffer.alloc(32, 7))
const life = Date.UTC(2030, 0, 1)
const urn = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
const binary = (maxLength: number) => fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength })
const distinguisher = fc.uint8Array({ minLength: 8, maxLength: 8 })
const gruu = fc.record({ user: binary(128), urn: fc.oneof(binary(128), fc.uuid().map((uuid) => `urn:uuid:${uuid}`)), life: fc.nat({ max: 2 ** 48 - 1 }) })

function seal(user: string, serial = 0, domain = "example.org"): string {
  return sealGruu({ user, urn, life }, Buffer.alloc(8, serial), key, domain) ?? ""
}

describe("laws", () => {
  test("what is sealed can be opened, with that key and for that domain alone", () => {
    fc.assert(fc.property(gruu, distinguisher, (named, serial) => {
      const user = sealGruu(named, serial, key, "example.org") ?? ""
      expect(openGruu(user, key, "example.org")).toEqual(named)
      expect(keyNumberOf(user)).toBe(2900)
      expect(openGruu(user, key, "example.net")).toBeUndefined()
      expect(openGruu(user, new GruuKey(2900, Buffer.alloc(32, 8)), "example.org")).toBeUndefined()
    }))
  })

  test("what is changed in any place opens nothing", () => {
    const user = seal("alice")
    fc.assert(fc.property(fc.nat({ max: user.length - 1 }), fc.constantFrom("A", "b", "9", "_", "="), (at, other) => {
      fc.pre(user.charAt(at) !== other)
      const changed = user.slice(0, at) + other + user.slice(at + 1)
      expect(openGruu(changed, key, "example.org")).toBeUndefined()
    }))
  })

  test("text that nobody sealed opens nothing and never throws", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.uint8Array().map((bytes) => `tgruu.${Buffer.from(bytes).toString("base64url")}`)), (text) => {
      keyNumberOf(text)
      expect(openGruu(text, key, "example.org")).toBeUndefined()
    }))
  })
})

test("two GRUUs share nothing but the number of their key and their length, whosever they are", () => {
  const token = (user: string): Buffer => Buffer.from(user.slice("tgruu.".length), "base64url")
  const [first, second, other] = [token(seal("alice", 1)), token(seal("alice", 2)), token(seal("bob", 1))]
  for (const [one, two] of [[first, second], [first, other]] as const) {
    expect(one.length).toBe(two.length)
    expect([...one.subarray(2)].filter((byte, index) => byte === two[index + 2]).length).toBeLessThan(8)
  }
})

test("usual ones take 94 characters; names that are too long get none", () => {
  expect(seal("alice")).toHaveLength(94)
  expect(seal("+49 30 123456789")).toHaveLength(94)
  expect(sealGruu({ user: "x".repeat(129), urn, life }, Buffer.alloc(8), key, "example.org")).toBeUndefined()
  expect(sealGruu({ user: "x", urn: "x".repeat(129), life }, Buffer.alloc(8), key, "example.org")).toBeUndefined()
})

test("a UUID is one device however it is spelled", () => {
  const user = sealGruu({ user: "alice", urn: urn.toUpperCase(), life }, Buffer.alloc(8), key, "example.org") ?? ""
  expect(openGruu(user, key, "example.org")?.urn).toBe(urn)
})

test("a key with a secret too short is refused", () => {
  expect(() => new GruuKey(1, Buffer.alloc(16))).toThrow(/expected 32 bytes/)
})
