import { expect, test } from "vitest"
import { SipRequest } from "../../../../src/sip/message/index.ts"
import { DialogTokens } from "../../../../src/sip/proxy/dialog-tokens.ts"
import { pathThrough, recordRoute } from "../../../../src/sip/proxy/forwarding.ts"
import { TransportSet, type Flow, type TransportProtocol } from "../../../../src/sip/transport/index.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"
import { MemoryNetwork } from "../../../support/memory-transport.ts"

const runtime = new ManualRuntime()
const network = new MemoryNetwork(runtime)
const ports = { UDP: 5060, TCP: 5060, TLS: 5061, WS: 80, WSS: 443, P2P: 0 }

function flowOver(protocol: TransportProtocol): Flow {
  const host = protocol === "P2P" ? "k1.p2psip.invalid" : "192.0.2.1"
  return network.add(protocol, host, ports[protocol]).flowTo({ host: "192.0.2.9", port: 40_000 })
}

/** The two Record-Routes of an INVITE, the next hop's first, without their tokens. */
function recordRoutes(uri: string, from: TransportProtocol, to: TransportProtocol): string[] {
  const request = SipRequest.create("INVITE", uri, [
    ["From", "<sip:alice@example.org>;tag=a"],
    ["To", "<sip:bob@example.org>"],
    ["Call-ID", "c1"],
    ["CSeq", "1 INVITE"],
  ])
  recordRoute({ request, flow: flowOver(to) }, flowOver(from), new DialogTokens(new Uint8Array(32)))
  return request.headers.getAll("Record-Route").map((route) => route.replace(/:d\.[\w-]+@/, ":"))
}

test.each<[TransportProtocol, TransportProtocol, string, string]>([
  ["WSS", "UDP", "<sip:192.0.2.1:5060;transport=udp;lr>", "<sip:192.0.2.1:443;transport=ws;lr>"],
  ["UDP", "WSS", "<sip:192.0.2.1:443;transport=ws;lr>", "<sip:192.0.2.1:5060;transport=udp;lr>"],
  ["WS", "P2P", "<sip:k1.p2psip.invalid;transport=p2p;lr>", "<sip:192.0.2.1:80;transport=ws;lr>"],
  ["P2P", "TLS", "<sip:192.0.2.1:5061;transport=tls;lr>", "<sip:k1.p2psip.invalid;transport=p2p;lr>"],
])("from %s to %s: one Record-Route for each side (RFC 5658, RFC 7118)", (from, to, next, previous) => {
  expect(recordRoutes("sip:bob@192.0.2.9", from, to)).toEqual([next, previous])
})

test.each<[TransportProtocol, TransportProtocol, string, string]>([
  ["WSS", "P2P", "<sips:k1.p2psip.invalid;transport=p2p;lr>", "<sips:192.0.2.1:443;transport=ws;lr>"],
  ["P2P", "TLS", "<sips:192.0.2.1:5061;lr>", "<sips:k1.p2psip.invalid;transport=p2p;lr>"],
])("from %s to %s for a SIPS URI: SIPS as well (RFC 3261 §16.6 step 4)", (from, to, next, previous) => {
  expect(recordRoutes("sips:bob@192.0.2.9", from, to)).toEqual([next, previous])
})

test("without an overlay the Path is the listener that the phone uses", () => {
  const flows = (["UDP", "TLS", "WSS"] as const).map(flowOver)
  const path = pathThrough(new TransportSet({ runtime, transports: flows.map(({ transport }) => transport) }))
  const paths = flows.map((flow) => path(flow, false).replace(/:[\w-]+@/, ":"))
  expect(paths).toEqual([
    "<sip:192.0.2.1:5060;transport=udp;lr>",
    "<sip:192.0.2.1:5061;transport=tls;lr>",
    "<sip:192.0.2.1:443;transport=ws;lr>",
  ])
})
