import { expect, test } from "vitest"
import { EventAuthorization } from "../../../../src/sip/events/event-authorization.ts"
import type { EventPackage } from "../../../../src/sip/events/event-package.ts"
import { Subscriptions } from "../../../../src/sip/events/subscriptions.ts"
import { SipRequest, type SipResponse } from "../../../../src/sip/message/index.ts"
import { ServedDomains } from "../../../../src/sip/registrar/served-domains.ts"
import type { ServerTransaction, TransactionLayer } from "../../../../src/sip/transaction/index.ts"
import type { Flow } from "../../../../src/sip/transport/index.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"

const advertised = { host: "127.0.0.1", port: 5060 }
const presence: EventPackage = {
  name: "presence", contentType: "application/pidf+xml", defaultExpiresSeconds: 3600, maxPerAddress: 9, watchers: "users", tellsRegistrations: true,
  stateOf: () => ({ look: () => Promise.resolve(true), document: () => Buffer.from("state") }),
}

function flowOf(host: string, isReliable = false): Flow {
  return { transport: { protocol: isReliable ? "TCP" : "UDP", isReliable, advertised }, remote: { host, port: 5060 }, key: host } as unknown as Flow
}

/** Subscriptions without a network: what subscribers are told, and where. */
function makeSubscriptions() {
  const told: { readonly host: string; readonly state: string | undefined }[] = []
  const layer = {
    request: ({ headers }: SipRequest, { remote }: Flow) => void told.push({ host: remote.host, state: headers.get("Subscription-State") }),
  } as unknown as TransactionLayer
  const runtime = new ManualRuntime()
  const domains = new ServedDomains(["example.org"], (host) => host === advertised.host)
  const authorization = new EventAuthorization(domains, { isOpen: true })
  const components = { runtime, layer, domains, authorization, packages: new Map([["presence", presence]]), notNow: () => new Error("not now") }
  return { told, subscriptions: new Subscriptions(components, { maxSubscriptions: 9, maxPerSubscriber: 9 }) }
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
