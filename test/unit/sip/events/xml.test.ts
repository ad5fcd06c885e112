import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { SipSyntaxError } from "../../../../src/sip/message/index.ts"
import { parseXml, type XmlElement } from "../../../../src/sip/events/xml.ts"
import { writeXml } from "../../../../src/sip/events/xml-writer.ts"

const parse = (text: string): XmlElement => parseXml(Buffer.from(text))
const rewritten = (text: string): string => writeXml(parse(text), { defaultNamespace: "urn:p", idFor: (id) => `own-${id}` })

/** What an element means, whatever prefixes and white space it was written with. */
function meaning({ name, namespace, attributes, children }: XmlElement): unknown {
  return {
    name, namespace,
    attributes: attributes.map((attribute) => `${attribute.namespace} ${attribute.name}=${attribute.value}`).sort(),
    children: children.map((child) => (typeof child === "string" ? child : meaning(child))),
  }
}

const text = fc.string({ unit: fc.constantFrom(..."ab<>&\"']é€ \u{1F600}"), minLength: 1, maxLength: 8 })
const namespaces = ["urn:p", "urn:q", "urn:r"]

/** A written element, with prefixes that mean something else further in, and the same text escaped in different ways. */
const written = fc.letrec<{ element: string; child: string }>((tie) => ({
  element: fc.tuple(fc.constantFrom("", "p:", "q:"), fc.constantFrom("a", "b-1", "_c"), fc.constantFrom(...namespaces), text, fc.boolean(), fc.array(tie("child"), { maxLength: 3 }))
    .map(([prefix, name, namespace, value, isSingle, children]) => {
      const quote = isSingle ? "'" : '"'
      const declared = prefix === "" ? "xmlns" : `xmlns:${prefix.slice(0, -1)}`
      return `<${prefix}${name} ${declared}=${quote}${namespace}${quote} x=${quote}${escaped(value)}${quote}>${children.join("")}</${prefix}${name} >`
    }),
  child: fc.oneof({ maxDepth: 3 }, text.map((value) => `t${escaped(value)}`), tie("element"), fc.constant("<!-- - <no> & -->"), fc.constant("<![CDATA[<&]]>")),
})).element

function escaped(value: string): string {
  return value.replace(/[<&"'>é]/g, (character) => `&#x${(character.codePointAt(0) ?? 0).toString(16)};`)
}

describe("parseXml", () => {
  it("reads again what the writer writes, with the same meaning", () => {
    fc.assert(fc.property(written, (document) => {
      const element = parse(document)
      const again = parse(`<top xmlns="urn:p">${writeXml(element, { defaultNamespace: "urn:p", idFor: (id) => id })}</top>`).children[0]
      expect(again === undefined || typeof again === "string" ? again : meaning(again)).toEqual(meaning(element))
    }))
  })

  it("refuses or reads whatever comes, and nothing else", () => {
    const piece = fc.oneof(fc.constantFrom(..."<>/=\"'&; a:!?-[]x\n", "xmlns", "<!--", "-->", "<a>", "</a>", "<![CDATA[", "]]>", "&amp;", "&#x0;", "<?", "?>", "<a:b", ' x="1"'), text)
    fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      for (const document of [pieces.join(""), `<a>${pieces.join("")}</a>`]) {
        try {
          expect(parse(document).name).not.toBe("")
        } catch (error) {
          expect(error).toBeInstanceOf(SipSyntaxError)
        }
      }
    }), { numRuns: 1000 })
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(() => parseXml(bytes)).toThrow(SipSyntaxError)
    }))
  })

  it.each([
    ["a document type", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ["a document type after a remark", "<!-- a --><!DOCTYPE a><a/>"],
    ["an entity of its own", "<a>&b;</a>"],
    ["an entity that every object has", "<a>&constructor;</a>"],
    ["an entity without an end", `<a>&${"b".repeat(5000)}</a>`],
    ["a character that is none", "<a>&#x1;</a>"],
    ["a character beyond Unicode", "<a>&#x110000;</a>"],
    ["half a surrogate pair", "<a>&#xD800;</a>"],
    ["a control character", "<a>\u0001</a>"],
    ["another encoding", '<?xml version="1.0" encoding="UTF-16"?><a/>'],
    ["a prefix without a namespace", "<a:b/>"],
    ["an attribute twice", '<a b="1" b="2"/>'],
    ["an attribute twice by two prefixes", '<a xmlns:b="urn:x" xmlns:c="urn:x" b:d="1" c:d="2"/>'],
    ["another namespace for xml", '<a xmlns:xml="urn:x"/>'],
    ["another prefix for the namespace of xml", '<a xmlns:b="http://www.w3.org/XML/1998/namespace" b:lang="en"/>'],
    ["attributes that are not apart", '<a b="1"c="2"/>'],
    ["an element that is not closed", "<a><b></a>"],
    ["a second element", "<a/><b/>"],
    ["text around it", "<a/>b"],
    ["nothing", ""],
    ["elements in elements without end", "<a>".repeat(17) + "</a>".repeat(17)],
    ["elements without end", `<a>${"<b/>".repeat(256)}</a>`],
    ["attributes without end", `<a ${Array.from({ length: 33 }, (_, index) => `b${index}="1"`).join(" ")}/>`],
    ["a name without end", `<${"a".repeat(65)}/>`],
  ])("refuses %s", (_, document) => {
    expect(() => parse(document)).toThrow(SipSyntaxError)
  })

  it("takes time in proportion to the size of the document", () => {
    for (const document of ["<a" + " ".repeat(100_000), "<a>" + "<!--".repeat(25_000), "<a>" + "&".repeat(100_000), "<a " + 'b="'.repeat(33_000), "<?xml " + " encoding".repeat(12_000)]) {
      expect(() => parse(document)).toThrow(SipSyntaxError)
    }
  })
})

describe("writeXml", () => {
  it.each([
    ["keeps the prefixes", '<d:person xmlns:d="urn:d" xmlns:r="urn:r"><r:away/></d:person>', '<d:person xmlns:d="urn:d" xmlns:r="urn:r"><r:away/></d:person>'],
    ["gives those prefixes to rich presence that watchers look for", '<a xmlns="urn:ietf:params:xml:ns:pidf:rpid"><away/></a>', '<rpid:a xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"><rpid:away/></rpid:a>'],
    ["tells namespaces apart that had one prefix", '<x:a xmlns:x="urn:1"><x:b xmlns:x="urn:2"/></x:a>', '<x:a xmlns:x="urn:1" xmlns:n1="urn:2"><n1:b/></x:a>'],
    ["needs no prefix for the namespace around it", '<p:tuple xmlns:p="urn:p" id="1"><p:status/></p:tuple>', '<tuple id="own-1"><status/></tuple>'],
    ["keeps the language", '<note xmlns="urn:p" xml:lang="de">Fu\u00df &amp; Hand</note>', '<note xml:lang="de">Fu\u00df &amp; Hand</note>'],
    ["leaves out what is of no namespace", '<p:a xmlns:p="urn:p"><b/><p:c/></p:a>', "<a><c/></a>"],
  ])("%s", (_, document, expected) => {
    expect(rewritten(document)).toBe(expected)
  })
})
