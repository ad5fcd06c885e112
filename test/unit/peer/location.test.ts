import fc from "fast-check"
import { beforeEach, describe, expect, test } from "vitest"
import { MemoryServlet } from "../../../backends/memory/index.ts"
import { decodeBinding, encodeBinding } from "../../../src/peer/binding-codec.ts"
import { keyOf, ServletLocation } from "../../../src/peer/location.ts"
import type { Binding, BindingChange } from "../../../src/sip/registrar/location-service.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

const aor = "sip:alice@example.org"

function binding(changes: Partial<Binding> = {}): Binding {
  return {
    contact: "sip:alice@192.0.2.1",
    parameters: "",
    qThousandths: 1000,
    expiresSeconds: 60,
    callId: "call",
    cseq: 1,
    path: ["<sip:token@k51.p2psip.invalid;transport=p2p;lr>"],
    userAgent: "phone",
    ...changes,
  }
}

const latin1 = (maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString("latin1"))

const inOneLine = (text: string): string => text.replace(/[\r\n\0]/g, "x")

describe("a binding as bytes", () => {
  test("comes back as it was, whatever bytes its texts hold", () => {
    const any = fc.record({
      contact: latin1(200).map(inOneLine),
      parameters: latin1(200).map(inOneLine),
      qThousandths: fc.integer({ min: 0, max: 1000 }),
      callId: latin1(100),
      cseq: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      path: fc.array(latin1(100), { maxLength: 5 }),
      userAgent: latin1(100),
    })
    fc.assert(fc.property(any, (binding) => {
      expect(decodeBinding(encodeBinding(binding), 77)).toEqual({ ...binding, expiresSeconds: 77 })
    }))
  })

  test("any other bytes are refused", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(Buffer.from(encodeBinding(decodeBinding(bytes, 1)))).toEqual(Buffer.from(bytes))
      } catch (error) {
        expect(error).toMatchObject({ code: "P2PSIP_BAD_FRAME" })
      }
    }))
    const right = encodeBinding(binding())
    for (let length = 0; length < right.length; length++) expect(() => decodeBinding(right.subarray(0, length), 1)).toThrow(/expected/)
    expect(() => decodeBinding(Buffer.concat([right, Buffer.of(0)]), 1)).toThrow(/expected the end/)
  })
})

describe("the location service on a servlet", () => {
  let servlet: MemoryServlet
  let location: ServletLocation
  let runtime: ManualRuntime
  let operations = 0

  beforeEach(async () => {
    runtime = new ManualRuntime()
    servlet = new MemoryServlet({ runtime })
    location = new ServletLocation({ runtime, servlet })
    await servlet.join()
  })

  async function update(changes: readonly BindingChange[], cseq = 1, callId = "call"): Promise<readonly Binding[]> {
    return location.update(aor, { callId, cseq, operationId: Buffer.from(String(++operations).padStart(8, "0")), changes, maxBindings: 3 })
  }

  test("answers at once where the servlet does, and never throws", async () => {
    const wanted = { callId: "call", cseq: 1, operationId: Buffer.alloc(8, 1), changes: [{ kind: "bind", binding: binding() } as const], maxBindings: 3 }
    const { capabilities } = servlet
    const prompt = new ServletLocation({ runtime, servlet: { capabilities, get: async () => [], updateSoon: () => [] } })
    expect(prompt.update(aor, wanted)).toEqual([])
    await servlet.leave()
    await expect(location.update(aor, wanted)).rejects.toMatchObject({ code: "P2PSIP_NOT_OPEN" })
  })

  test("binds, looks up, and counts the seconds down", async () => {
    expect(await update([{ kind: "bind", binding: binding() }])).toEqual([binding()])
    await runtime.advanceAsync(10_000)
    expect(await location.lookup(aor)).toEqual([binding({ expiresSeconds: 50 })])
    await runtime.advanceAsync(50_000)
    expect(await location.lookup(aor)).toEqual([])
  })

  test("the same contact in other words replaces the binding; another one stands beside it", async () => {
    await update([{ kind: "bind", binding: binding({ contact: "sip:alice@HOST;a;b" }) }])
    await update([{ kind: "bind", binding: binding({ contact: "sip:alice@host;B;A", cseq: 2 }) }], 2)
    expect((await location.lookup(aor)).map(({ contact }) => contact)).toEqual(["sip:alice@host;B;A"])
    const both = await update([{ kind: "bind", binding: binding({ contact: "sip:alice@other" }) }], 3)
    expect(both.length).toBe(2)
  })

  test("unbinds one, or all", async () => {
    const bind = (contact: string): BindingChange => ({ kind: "bind", binding: binding({ contact }) })
    await update([bind("sip:a@h"), bind("sip:b@h"), bind("sip:c@h")])
    const left = await update([{ kind: "unbind", contact: "sip:b@H", parameters: "" }], 2)
    expect(left.map(({ contact }) => contact).sort()).toEqual(["sip:a@h", "sip:c@h"])
    expect(await update([{ kind: "unbindAll" }], 3)).toEqual([])
  })

  test("an old CSeq of the same call changes nothing; of another call it does", async () => {
    await update([{ kind: "bind", binding: binding() }], 5)
    await expect(update([{ kind: "unbindAll" }], 5)).rejects.toMatchObject({ code: "P2PSIP_OUT_OF_ORDER" })
    expect(await location.lookup(aor)).toEqual([binding()])
    expect(await update([{ kind: "unbindAll" }], 1, "another call")).toEqual([])
  })

  test("a Call-ID longer than a sequence's name still counts", async () => {
    const long = "x".repeat(300)
    await update([{ kind: "bind", binding: binding() }], 5, long)
    await expect(update([{ kind: "unbindAll" }], 4, long)).rejects.toMatchObject({ code: "P2PSIP_OUT_OF_ORDER" })
    expect(await update([{ kind: "unbindAll" }], 4, `${long}y`)).toEqual([])
  })

  test("values that are no bindings hide nobody, and are counted", async () => {
    await update([{ kind: "bind", binding: binding() }])
    await servlet.put(keyOf(aor), "something else")
    await servlet.put(keyOf(aor), encodeBinding(binding({ contact: "sip:x@192.0.2.9>\r\nContact: <sip:mallory@192.0.2.66" })))
    expect(await location.lookup(aor)).toEqual([binding()])
    expect(runtime.metrics.count("p2psip_malformed_bindings_total")).toBe(2)
  })

  test("refuses a binding too many, and none that exists already", async () => {
    const at = (port: number): BindingChange => ({ kind: "bind", binding: binding({ contact: `sip:alice@192.0.2.1:${port}` }) })
    await update([at(1), at(2), at(3)])
    await expect(update([at(4)], 2)).rejects.toMatchObject({ code: "P2PSIP_TOO_MANY_VALUES" })
    expect(await update([at(3)], 2)).toHaveLength(3)
  })
})
