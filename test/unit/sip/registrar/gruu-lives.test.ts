import { describe, expect, test } from "vitest"
import { bindingsOf, latestLife, lifeFor } from "../../../../src/sip/registrar/gruu-lives.ts"
import type { Binding } from "../../../../src/sip/registrar/location-service.ts"

/** A contact of instance 1. */
function binding(changes: Partial<Binding> & { readonly flow?: number; readonly urn?: string } = {}): Binding {
  const { flow, urn = "urn:uuid:1", ...others } = changes
  const parameters = `;+sip.instance="<${urn}>"${flow === undefined ? "" : `;reg-id=${flow}`}`
  return { contact: "sip:a@b", parameters, qThousandths: 1000, expiresSeconds: 60, callId: "call", cseq: 1, path: [], userAgent: "", ...others }
}

describe("a device's life (RFC 5627 §5.1)", () => {
  test("begins with its first contact", () => {
    expect(lifeFor(binding(), [], 1000)).toBe(1000)
    expect(lifeFor(binding(), [binding({ urn: "urn:uuid:2", gruuLife: 500 })], 1000)).toBe(1000)
  })

  test("goes on with the same Call-ID", () => {
    expect(lifeFor(binding({ cseq: 2 }), [binding({ gruuLife: 500 })], 1000)).toBe(500)
  })

  test("ends with another Call-ID, also where clocks differ", () => {
    expect(lifeFor(binding({ callId: "other" }), [binding({ gruuLife: 500 })], 1000)).toBe(1000)
    expect(lifeFor(binding({ callId: "other" }), [binding({ gruuLife: 5000 })], 1000)).toBe(5001)
  })

  test("is shared by its flows, each with a Call-ID of its own", () => {
    const first = binding({ flow: 1, callId: "one", gruuLife: 500 })
    expect(lifeFor(binding({ flow: 2, callId: "two" }), [first], 1000)).toBe(500)
    const second = binding({ flow: 2, callId: "two", gruuLife: 500 })
    expect(lifeFor(binding({ flow: 1, callId: "three" }), [first, second], 1000)).toBe(1000)
  })

  test("goes on under the Call-ID of a restarted phone while the old contact is still there", () => {
    const [before, after] = [binding({ contact: "sip:a@old", callId: "old", gruuLife: 500 }), binding({ callId: "new", gruuLife: 800 })]
    expect(lifeFor(binding({ callId: "new", cseq: 2 }), [before, after], 1000)).toBe(800)
  })

  test("begins where the phone has not asked for GRUUs before", () => {
    expect(lifeFor(binding(), [binding()], 1000)).toBe(1000)
  })

  test("is nothing for a contact without an instance", () => {
    expect(lifeFor({ ...binding(), parameters: "" }, [binding({ gruuLife: 500 })], 1000)).toBe(0)
  })
})

test("a device's contacts come with the one first that was refreshed last", () => {
  const old = binding({ contact: "sip:a@1", callId: "old", gruuLife: 500 })
  const repeated = binding({ contact: "sip:a@2", cseq: 7, gruuLife: 800, expiresSeconds: 10 })
  const first = binding({ contact: "sip:a@3", cseq: 6, gruuLife: 800 })
  const foreign = binding({ urn: "urn:uuid:2", gruuLife: 900 })
  const found = bindingsOf("URN:UUID:1", [old, first, foreign, repeated])
  expect(found).toEqual([repeated, first, old])
  expect(latestLife(found)).toBe(800)
})

test("what other peers have garbled belongs to nobody", () => {
  expect(bindingsOf("urn:uuid:1", [{ ...binding(), parameters: ';+sip.instance="<urn:uuid:1>' }])).toEqual([])
})
