import fc from "fast-check"
import { expect, test } from "vitest"
import { EventAuthorization } from "../../../../src/sip/events/event-authorization.ts"
import type { EventPackage } from "../../../../src/sip/events/event-package.ts"
import { Subscriptions } from "../../../../src/sip/events/subscriptions.ts"
import { createResponse, SipRequest, type SipResponse } from "../../../../src/sip/message/index.ts"
import { ServedDomains } from "../../../../src/sip/registrar/served-domains.ts"
import type { ClientHandlers, ClientTransaction, ServerTransaction, TransactionLayer } from "../../../../src/sip/transaction/index.ts"
import type { Flow } from "../../../../src/sip/transport/index.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"
import "../../../support/laws.ts"

const advertised = { host: "127.0.0.1", port: 5060 }
/** What a look finds is up to the test. */
function presenceOf(look: () => Promise<boolean>): EventPackage {
  return {
    name: "presence", contentType: "application/pidf+xml", defaultExpiresSeconds: 3600, maxPerAddress: 9, watchers: "users", tellsRegistrations: true,
    stateOf: () => ({ look, document: () => Buffer.from("state") }),
  }
}

function flowOf(host: string, isReliable = false): Flow {
  return { transport: { protocol: isReliable ? "TCP" : "UDP", isReliable, advertised }, remote: { host, port: 5060 }, key: host } as unknown as Flow
}

/** Subscriptions without a network: what subscribers are told, and where. */
function makeSubscriptions(look = (): Promise<boolean> => Promise.resolve(true)) {
  const told: { readonly host: string; readonly request: SipRequest; readonly handlers: ClientHandlers }[] = []
  const layer = {
    request: (request: SipRequest, { remote }: Flow, handlers: ClientHandlers) => void told.push({ host: remote.host, request, handlers }),
  } as unknown as TransactionLayer
  const runtime = new ManualRuntime()
  const domains = new ServedDomains(["example.org"], (host) => host === advertised.host)
  const authorization = new EventAuthorization(domains, { isOpen: true })
  const components = { runtime, layer, domains, authorization, packages: new Map([["presence", presenceOf(look)]]), notNow: () => new Error("not now") }
  return { runtime, told, subscriptions: new Subscriptions(components, { maxSubscriptions: 9, maxPerSubscriber: 9 }) }
}

function subscribe(changes: Readonly<Record<string, string>> = {}, uri = "sip:bob@example.org"): SipRequest {
  const headers = {
    Via: "SIP/2.0/UDP 127.0.0.2;branch=z9hG4bK1", From: "<sip:alice@example.org>;tag=1", To: "<sip:bob@example.org>", "Call-ID": "1", CSeq: "1 SUBSCRIBE",
    Contact: "<sip:alice@127.0.0.2>", Event: "presence", ...changes,
  }
  return SipRequest.create("SUBSCRIBE", uri, Object.entries(headers))
}

/** The response. */
async function sent(subscriptions: Subscriptions, request: SipRequest, flow: Flow): Promise<SipResponse | undefined> {
  let answer: SipResponse | undefined
  await subscriptions.accept({ request, flow, respond: (response: SipResponse) => (answer = response) } as unknown as ServerTransaction, request)
  return answer
}

test.each([
  ["parameters of the event", { Event: "presence;;=" }],
  ["a Contact", { Contact: "<sip:" }],
  ["a Record-Route", { "Record-Route": "<sip:@proxy.example;lr>" }],
  ["more Record-Routes than a NOTIFY has room for", { "Record-Route": "<sip:a;lr>, ".repeat(400) }],
])("who is refused for %s leaves nothing behind", async (_, changes) => {
  const { subscriptions } = makeSubscriptions()
  await expect(sent(subscriptions, subscribe(changes), flowOf("127.0.0.2"))).rejects.toThrow("400")
  expect(subscriptions.watchesRegistrations("sip:bob@example.org")).toBe(false)
})

test("a SUBSCRIBE of more than its dialog may keep is refused", async () => {
  const { subscriptions } = makeSubscriptions()
  const request = subscribe({ "Record-Route": Array.from({ length: 500 }, (_, index) => `<sip:proxy${index}.example;lr>`).join(", ") })
  await expect(sent(subscriptions, request, flowOf("127.0.0.2"))).rejects.toThrow("513")
})

test.each([["are not enough over UDP", false], ["are enough over TCP", true]])("the tags of a subscription, from another host, %s", async (_, isReliable) => {
  const { subscriptions, told } = makeSubscriptions()
  const ok = await sent(subscriptions, subscribe(), flowOf("127.0.0.2", isReliable))
  const again = subscribe({ To: ok?.headers.get("To") ?? "", CSeq: "2 SUBSCRIBE" }, "sip:subscriptions@127.0.0.1")
  const moved = sent(subscriptions, again, flowOf("127.0.0.3", isReliable))
  if (isReliable) await moved
  else await expect(moved).rejects.toThrow("481")
  expect(told.map(({ host }) => host)).toEqual(["127.0.0.2"])
})

test("whatever subscribers and the overlay do, nothing is left in the end: no subscription, no address, no timer", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("subscribe" as const), user: fc.constantFrom("bob", "carol"), expires: fc.constantFrom("0", "60", "600") }),
    fc.record({ kind: fc.constant("again" as const), which: fc.nat(20), expires: fc.constantFrom("0", "60", "600") }),
    fc.record({ kind: fc.constant("answer" as const), which: fc.nat(20), status: fc.constantFrom(0, 200, 200, 481, 503) }),
    fc.record({ kind: fc.constant("find" as const), finds: fc.constantFrom(true, false, undefined) }),
    fc.record({ kind: fc.constant("change" as const), user: fc.constantFrom("bob", "carol") }),
    fc.record({ kind: fc.constant("pass" as const), seconds: fc.nat(200) }),
  )
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, isStopped) => {
    let finds: boolean | undefined = true
    const { runtime, told, subscriptions } = makeSubscriptions(() => (finds === undefined ? Promise.reject(new Error("away")) : Promise.resolve(finds)))
    const tags: { readonly to: string; readonly callId: string }[] = []
    let cseq = 1
    for (const one of steps) {
      if (one.kind === "pass") await runtime.advanceAsync(one.seconds * 1000)
      else if (one.kind === "find") finds = one.finds
      else if (one.kind === "change") subscriptions.registrationsChanged(`sip:${one.user}@example.org`)
      else if (one.kind === "subscribe") {
        const request = subscribe({ "Call-ID": `${cseq++}`, Expires: one.expires }, `sip:${one.user}@example.org`)
        const ok = await sent(subscriptions, request, flowOf("127.0.0.2")).catch(() => undefined)
        if (ok !== undefined) tags.push({ to: ok.headers.get("To") ?? "", callId: request.callId })
      } else if (one.kind === "again") {
        const { to, callId } = tags[one.which % tags.length] ?? { to: "<sip:bob@example.org>;tag=0", callId: "0" }
        const request = subscribe({ To: to, "Call-ID": callId, CSeq: `${++cseq} SUBSCRIBE`, Expires: one.expires }, "sip:subscriptions@127.0.0.1")
        await sent(subscriptions, request, flowOf("127.0.0.2")).catch(() => undefined)
      } else if (told.length > 0) {
        const [notify] = told.splice(one.which % told.length, 1)
        notify?.request.headers.prepend("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK2")
        if (one.status === 0) notify?.handlers.onTimeout({} as ClientTransaction)
        else notify?.handlers.onResponse(createResponse(notify.request, one.status), {} as ClientTransaction)
      }
    }
    if (isStopped) subscriptions.stop()
    else await runtime.advanceAsync(700_000)
    await runtime.advanceAsync(0)
    expect(runtime.metrics.read("p2psip_subscriptions")).toBe(0)
    for (const user of ["bob", "carol"]) expect(subscriptions.watchesRegistrations(`sip:${user}@example.org`)).toBe(false)
    expect(runtime.timersPending).toBe(0)
  }), { numRuns: 200 })
})
