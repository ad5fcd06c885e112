import fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import { composePidf, readPidf } from "../../../../src/sip/events/pidf.ts"
import { parseXml, type XmlElement } from "../../../../src/sip/events/xml.ts"

const presence = (content: string): Uint8Array => Buffer.from(`<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:x@y">
${content}
</presence>`)
const tuple = (basic: string, id = "t4109"): string => `<tuple id="${id}"><status><basic>${basic}</basic></status><contact priority="0.8">sip:bob@${basic}</contact></tuple>`
const compose = (...documents: readonly string[]): string =>
  Buffer.from(composePidf("sip:bob@example.org", documents.map((document, index) => readPidf(`${index}`, presence(document))), false)).toString()

/** All values of unprefixed attributes `id`. */
function idsIn(element: XmlElement): string[] {
  const own = element.attributes.filter(({ prefix, name }) => prefix === "" && name === "id").map(({ value }) => value)
  return [...own, ...element.children.flatMap((child) => (typeof child === "string" ? [] : idsIn(child)))]
}

describe("composePidf", () => {
  it.each([
    [true, '<basic>open</basic></status><contact>sip:bob@example.org</contact>'],
    [false, "<basic>closed</basic></status>"],
  ])("tells of a user who publishes nothing whether he is registered: %s", (isRegistered, expected) => {
    expect(Buffer.from(composePidf("sip:bob@example.org", [], isRegistered)).toString()).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.org">
  <tuple id="registered"><status>${expected}</tuple>
</presence>
`)
  })

  it("puts side by side what phones say, those first with which the user can be reached", () => {
    const composed = compose(tuple("closed"), `<dm:person id="p"><rpid:activities><rpid:away/></rpid:activities></dm:person>${tuple("open")}<note>Back soon</note>`)
    expect(composed.replace(/id="\w+"/g, "id")).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.org">
  <tuple id><status><basic>open</basic></status><contact priority="0.8">sip:bob@open</contact></tuple>
  <tuple id><status><basic>closed</basic></status><contact priority="0.8">sip:bob@closed</contact></tuple>
  <note>Back soon</note>
  <dm:person xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" id><rpid:activities><rpid:away/></rpid:activities></dm:person>
</presence>
`)
  })

  it("gives identifiers of their own to tuples that have the same, and always the same ones", () => {
    const [first = "", second = ""] = [...compose(tuple("open"), tuple("open")).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? "")
    expect(first).not.toBe(second)
    expect(first).toMatch(/^[a-z]\w*$/)
    expect(compose(tuple("closed"), tuple("closed"))).toContain(first)
  })

  it("is well-formed, small enough and has no identifier twice, whatever phones have written", () => {
    const text = fc.string({ unit: fc.constantFrom(..."<>&\"' a\u00e9]") })
    const escaped = text.map((value) => value.replace(/[<&"]/g, (character) => `&#${character.charCodeAt(0)};`))
    const part = fc.tuple(escaped, fc.constantFrom("a", "b", "x y"), fc.nat(3)).map(([value, id, size]) => `<tuple id="${id}"><note>${value}</note></tuple><note xml:lang="${value}">${"n".repeat(size * 2000)}</note>`)
    fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), text, (documents, user) => {
      const parts = documents.map((document, index) => readPidf(`${index}`, presence(document)))
      const bytes = composePidf(`sip:${Buffer.from(user).toString("latin1")}@example.org`, parts, false)
      expect(bytes.length).toBeLessThanOrEqual(16_384)
      const read = parseXml(bytes)
      expect(read.attributes.map(({ value }) => value)).toEqual([`sip:${user}@example.org`])
      const ids = idsIn(read)
      expect(new Set(ids).size).toBe(ids.length)
    }))
  })

  it("takes no more work than it is worth, however often an element would have to declare a long namespace", () => {
    const document = Buffer.from(`<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:a="${"'".repeat(5900)}" entity="sip:x@y">${"<a:b/>".repeat(255)}</presence>`)
    const parts = Array.from({ length: 6 }, (_, index) => readPidf(`${index}`, document))
    const replace = vi.spyOn(String.prototype, "replace")
    expect(composePidf("sip:bob@example.org", parts, false).length).toBeLessThan(16_384)
    const replaced = replace.mock.calls.length
    replace.mockRestore()
    expect(replaced).toBeLessThan(20)
  })
})

describe("readPidf", () => {
  it.each([
    ["another document", '<presence xmlns="urn:other"/>'],
    ["another element", '<tuple xmlns="urn:ietf:params:xml:ns:pidf"/>'],
    ["no XML", "Messages-Waiting: no"],
  ])("refuses %s", (_, document) => {
    expect(() => readPidf("1", Buffer.from(document))).toThrow("400")
  })
})
