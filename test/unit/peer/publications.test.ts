import fc from "fast-check"
import { beforeEach, describe, expect, test } from "vitest"
import { MemoryServlet } from "../../../backends/memory/index.ts"
import { ServletPublications } from "../../../src/peer/publications.ts"
import type { Publication } from "../../../src/sip/events/index.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

const bob = "sip:bob@example.org"
const publication = (changes: Partial<Publication> = {}): Publication =>
  ({ id: "0123456789abcdef", number: 0, document: Buffer.from("<presence/>"), expiresSeconds: 60, ...changes })

describe("publications on a servlet", () => {
  let runtime: ManualRuntime
  let servlet: MemoryServlet
  let publications: ServletPublications

  beforeEach(async () => {
    runtime = new ManualRuntime()
    servlet = new MemoryServlet({ runtime })
    await servlet.join([])
    publications = new ServletPublications({ runtime, servlet })
  })

  const create = (what: Publication, maxPublications = 6): Promise<void> => publications.change("presence", bob, { kind: "create", publication: what, maxPublications })
  const found = async (event = "presence"): Promise<Publication[]> =>
    (await publications.find(event, bob)).map((one) => ({ ...one, document: Buffer.from(one.document) })).sort((one, other) => (one.id < other.id ? -1 : 1))

  test("are found as they were made, under their package and address-of-record alone", async () => {
    const bytes = fc.uint8Array({ maxLength: 8192 }).map((document) => Buffer.from(document))
    const id = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((array) => Buffer.from(array).toString("hex"))
    await fc.assert(fc.asyncProperty(id, bytes, fc.integer({ min: 0, max: 2 ** 32 - 1 }), async (name, document, number) => {
      const made = publication({ id: name, document, number })
      await create(made)
      expect(await found()).toEqual([made])
      expect(await found("message-summary")).toEqual([])
      await publications.change("presence", bob, { kind: "remove", id: name, number })
        .catch((error: unknown) => expect(error).toMatchObject({ code: "P2PSIP_OUT_OF_ORDER" }))
      await servlet.update(`p2psip:event:presence:${bob}`, [{ kind: "removeAll" }])
    }), { numRuns: 50 })
  })

  test("end at their time", async () => {
    await create(publication())
    runtime.advance(61_000)
    expect(await found()).toEqual([])
  })

  test("of two changes to the same state one is made", async () => {
    await create(publication())
    const next = publication({ number: 1, document: Buffer.from("<a/>") })
    await publications.change("presence", bob, { kind: "replace", publication: next })
    for (const change of [{ kind: "replace", publication: publication({ number: 1 }) }, { kind: "remove", id: next.id, number: 1 }] as const) {
      await expect(publications.change("presence", bob, change)).rejects.toMatchObject({ code: "P2PSIP_OUT_OF_ORDER" })
    }
    expect(await found()).toEqual([next])
    await publications.change("presence", bob, { kind: "remove", id: next.id, number: 2 })
    await expect(publications.change("presence", bob, { kind: "replace", publication: publication({ number: 3 }) })).rejects.toMatchObject({ code: "P2PSIP_PRECONDITION" })
    expect(await found()).toEqual([])
  })

  test("are as many as there may be, and no more", async () => {
    await create(publication(), 1)
    await expect(create(publication({ id: "fedcba9876543210" }), 1)).rejects.toMatchObject({ code: "P2PSIP_TOO_MANY_VALUES" })
  })

  test("are found among whatever else somebody has put there, which is counted", async () => {
    await create(publication())
    let strange = 0
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 40 }), async (value) => {
      strange++
      await servlet.put(`p2psip:event:presence:${bob}`, value, { valueHash: "not ours" })
      const others = (await found()).filter(({ id }) => id !== publication().id)
      // One that happens to be a publication is one.
      if (others.length > 0) strange--
      expect(await publications.find("presence", bob)).toContainEqual(expect.objectContaining({ id: publication().id }))
    }), { numRuns: 50 })
    expect(runtime.metrics.count("p2psip_malformed_publications_total")).toBe(strange * 2)
  })
})
