import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { reginfoOf } from "../../../../src/sip/events/reginfo.ts"
import { nothingKnown, observe } from "../../../../src/sip/events/registration-state.ts"
import type { Binding } from "../../../../src/sip/registrar/location-service.ts"

const binding = (parts: Partial<Binding> = {}): Binding =>
  ({ contact: "sip:bob@192.0.2.1", parameters: "", qThousandths: 1000, expiresSeconds: 3600, callId: "c", cseq: 1, path: [], userAgent: "", ...parts })

function documentOf(bindings: readonly Binding[]): string {
  const { state, changes } = observe(nothingKnown, bindings, 0)
  return Buffer.from(reginfoOf({ version: 3, isFull: true, addressOfRecord: "sip:bob@example.org", phase: state.phase, contacts: changes, now: 10_000 })).toString()
}

/** The names of elements and attributes in the order in which they stand; throws where something is left open or stands where it must not. */
function readXml(xml: string): string[] {
  const names: string[] = []
  const open: string[] = []
  const rest = xml.replace(/^<\?xml [^?]*\?>/, "").replace(/<(\/?)([\w:-]+)((?:\s+[\w:-]+="[^"<>]*")*)\s*(\/?)>/g, (_, closes: string, name: string, attributes: string, isEmpty: string) => {
    if (closes !== "") {
      if (open.pop() !== name) throw new Error(`</${name}> closes something else`)
    } else {
      names.push(name, ...[...attributes.matchAll(/([\w:-]+)="[^"]*"/g)].map(([, attribute = ""]) => attribute))
      if (isEmpty === "") open.push(name)
    }
    return ""
  })
  if (open.length > 0 || /[<>]|&(?!(?:amp|lt|gt|quot|apos);)/.test(rest + xml.replace(/<[^<>]*>/g, ""))) throw new Error(`not well-formed: ${xml}`)
  return names
}

describe("reginfoOf", () => {
  it("writes what RFC 3680 shows", () => {
    const parameters = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>";audio'
    expect(documentOf([binding({ parameters, qThousandths: 800, gruuLife: 5 })])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" xmlns:gr="urn:ietf:params:xml:ns:gruuinfo" version="3" state="full">
  <registration aor="sip:bob@example.org" id="f010db3726ea2185" state="active">
    <contact id="5b325124a10b6eef" state="active" event="registered" duration-registered="10" expires="3590" q="0.8" callid="c" cseq="1">
      <uri>sip:bob@192.0.2.1</uri>
      <unknown-param name="+sip.instance">&lt;urn:uuid:00000000-0000-1000-8000-000a95a0e128&gt;</unknown-param>
      <unknown-param name="audio"></unknown-param>
      <gr:pub-gruu uri="sip:bob@example.org;gr=urn:uuid:00000000-0000-1000-8000-000a95a0e128"/>
    </contact>
  </registration>
</reginfo>
`)
  })

  it("is well-formed and has the same elements whatever phones and other peers have written", () => {
    const text = fc.string({ unit: fc.constantFrom(..."<>&\"'\x00\x01\x7fÿÃ¼\\;= a]", "<!--", "]]>", "&lt;") })
    const plain = readXml(documentOf([binding()]))
    fc.assert(fc.property(text, text, (contact, callId) => {
      expect(readXml(documentOf([binding({ contact, callId })]))).toEqual(plain)
    }), { numRuns: 500 })
    fc.assert(fc.property(text, (value) => {
      const quoted = value.replace(/["\\]/g, "")
      expect(readXml(documentOf([binding({ parameters: `;x="${quoted}"` })]))).toContain("unknown-param")
    }), { numRuns: 500 })
  })
})
