/** The registrar on a servlet against a page of RFC 3261 §10.3, whatever phones send in whatever order. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { MemoryServlet } from "../../../backends/memory/index.ts"
import { ServletLocation } from "../../../src/peer/location.ts"
import { SipRequest, type SipResponse } from "../../../src/sip/message/index.ts"
import { Registrar } from "../../../src/sip/registrar/registrar.ts"
import { ServedDomains } from "../../../src/sip/registrar/served-domains.ts"
import type { Flow } from "../../../src/sip/transport/transport.ts"
import { ManualRuntime, settle } from "../../support/manual-runtime.ts"

const phones = ["desk", "mobile", "tablet"] as const
type PhoneName = (typeof phones)[number]

/** What one phone says. Its Call-ID is its own; it counts, but for when it repeats the number of what is in force. */
type Step =
  | { readonly kind: "register"; readonly phone: PhoneName; readonly contacts: readonly { readonly name: PhoneName; readonly seconds: number }[]; readonly isOld: boolean }
  | { readonly kind: "removeAll"; readonly phone: PhoneName; readonly isOld: boolean }
  | { readonly kind: "ask" }
  | { readonly kind: "pass"; readonly seconds: number }

const phone = fc.constantFrom(...phones)
const isOld = fc.integer({ min: 0, max: 5 }).map((number) => number === 0)
const contacts = fc.uniqueArray(fc.record({ name: phone, seconds: fc.constantFrom(0, 60, 600, 3600) }), { selector: ({ name }) => name, minLength: 1, maxLength: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("register" as const), phone, contacts, isOld }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("removeAll" as const), phone, isOld }) },
  { weight: 1, arbitrary: fc.constant({ kind: "ask" as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pass" as const), seconds: fc.constantFrom(1, 59, 60, 700) }) },
)

interface Bound {
  readonly callId: string
  readonly cseq: number
  readonly until: number
}

const maxContacts = 2

/** The page. */
class Model {
  readonly #bound = new Map<string, Bound>()
  now = 0

  /** The status of the answer; where it is 200, everything has been done, else nothing. */
  register(callId: string, cseq: number, changes: ReadonlyMap<string, number>): number {
    this.#forgetExpired()
    if ([...changes.values()].filter((seconds) => seconds > 0).length > maxContacts) return 403
    for (const name of changes.keys()) if (this.#isStale(name, callId, cseq)) return 500
    const next = new Map(this.#bound)
    for (const [name, seconds] of changes) {
      if (seconds === 0) next.delete(name)
      else next.set(name, { callId, cseq, until: this.now + seconds * 1000 })
    }
    if ([...changes.values()].some((seconds) => seconds > 0) && next.size > maxContacts) return 403
    this.#bound.clear()
    for (const [name, bound] of next) this.#bound.set(name, bound)
    return 200
  }

  removeAll(callId: string, cseq: number): number {
    this.#forgetExpired()
    return this.register(callId, cseq, new Map([...this.#bound.keys()].map((name) => [name, 0])))
  }

  /** Whether this number is old for what is in force. For what is not, nobody says how long numbers are remembered. */
  isOld(callId: string, cseq: number, names: readonly string[] = [...this.#bound.keys()]): boolean {
    this.#forgetExpired()
    return names.some((name) => this.#isStale(name, callId, cseq))
  }

  /** As the answer lists it: the name and the seconds left. */
  get listed(): string[] {
    this.#forgetExpired()
    return [...this.#bound].map(([name, { until }]) => `${name} ${Math.ceil((until - this.now) / 1000)}`).sort()
  }

  #isStale(name: string, callId: string, cseq: number): boolean {
    const known = this.#bound.get(name)
    return known?.callId === callId && cseq <= known.cseq
  }

  #forgetExpired(): void {
    for (const [name, { until }] of this.#bound) if (until <= this.now) this.#bound.delete(name)
  }
}

const flow = { key: "UDP 127.0.0.1:5060 192.0.2.4:5060", remote: { host: "192.0.2.4", port: 5060 }, transport: { protocol: "UDP" } } as Flow

/** A registrar, and what its answers say. */
async function registrarOnServlet() {
  const runtime = new ManualRuntime()
  const servlet = new MemoryServlet({ runtime })
  await servlet.join([])
  const responses: SipResponse[] = []
  const registrar = new Registrar({
    runtime,
    location: new ServletLocation({ runtime, servlet }),
    domains: new ServedDomains(["example.org"], () => false),
    pathFor: () => "<sip:token@holder.p2psip.invalid;lr>",
    send: (response) => void responses.push(response),
  }, { maxContacts })
  let serial = 0
  const ask = async (callId: string, cseq: number, headers: readonly [string, string][]): Promise<{ status: number; listed: string[] }> => {
    const request = SipRequest.create("REGISTER", "sip:example.org", [
      ["Via", `SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK${++serial};rport=5060;received=192.0.2.4`],
      ["From", "<sip:bob@example.org>;tag=b"],
      ["To", "<sip:bob@example.org>"],
      ["Call-ID", callId],
      ["CSeq", `${cseq} REGISTER`],
      ...headers,
    ])
    registrar.handle(request, flow)
    await settle()
    const response = responses.pop()
    if (response === undefined) throw new Error("no answer")
    const listed = response.headers.getAll("Contact").map((contact) => /^<sip:bob@(\w+)>;expires=(\d+)$/.exec(contact)?.slice(1).join(" ") ?? contact)
    return { status: response.status, listed: listed.sort() }
  }
  return { runtime, ask }
}

describe("registrations", () => {
  test("are as RFC 3261 has them, after any course", async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 14, size: "max" }), async (steps) => {
      const { runtime, ask } = await registrarOnServlet()
      const model = new Model()
      const numbers = new Map<string, number>()
      for (const one of steps) {
        if (one.kind === "pass") {
          await runtime.advanceAsync(one.seconds * 1000)
          model.now = runtime.now()
          continue
        }
        if (one.kind === "ask") {
          expect(await ask("ask", 1, [])).toEqual({ status: 200, listed: model.listed })
          continue
        }
        const latest = numbers.get(one.phone) ?? 0
        const names = one.kind === "register" ? one.contacts.map(({ name }) => name) : undefined
        const cseq = one.isOld && model.isOld(one.phone, latest, names) ? latest : latest + 1
        numbers.set(one.phone, cseq)
        if (one.kind === "removeAll") {
          const status = model.removeAll(one.phone, cseq)
          expect((await ask(one.phone, cseq, [["Contact", "*"], ["Expires", "0"]])).status).toBe(status)
        } else {
          const status = model.register(one.phone, cseq, new Map(one.contacts.map(({ name, seconds }) => [name, seconds])))
          const answer = await ask(one.phone, cseq, one.contacts.map(({ name, seconds }) => ["Contact", `<sip:bob@${name}>;expires=${seconds}`]))
          expect(answer.status).toBe(status)
          if (status === 200) expect(answer.listed).toEqual(model.listed)
        }
        expect((await ask("ask", 1, [])).listed).toEqual(model.listed)
      }
    }))
  })
})
