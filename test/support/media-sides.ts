/** Two peers that relay media, the phones at them, and what these say to each other. */
import { MemoryLink, MemoryNetwork } from "../../src/link/memory.ts"
import { MediaRelay } from "../../src/media/media-relay.ts"
import type { MediaKind } from "../../src/media/relay-ports.ts"
import { createResponse, SipRequest, type SipMessage } from "../../src/sip/message/index.ts"
import { hostOfPeer } from "../../src/sip/transport/index.ts"
import type { Flow, HostPort } from "../../src/sip/transport/index.ts"
import { ManualRuntime } from "./manual-runtime.ts"
import { TestPortPairs } from "./port-pairs.ts"

/** Only what a relay looks at. */
export function flowOf(protocol: string, host: string, port = 5060): Flow {
  const transport = { protocol, advertised: { host: "127.0.0.1", port: 5060 } }
  return { transport, remote: { host, port }, key: `${protocol} ${host}:${port}` } as unknown as Flow
}

export interface Side {
  readonly relay: MediaRelay
  readonly pairs: TestPortPairs
  readonly link: MemoryLink
  readonly phone: Flow
  /** The flow to it, from the other peer. */
  readonly host: Flow
}

/** Two peers with a phone each, and a stranger. */
export async function makeSides(count = 4) {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork()
  const make = async (peerId: string, phoneHost: string): Promise<Side> => {
    const link = new MemoryLink({ runtime, network }, { peerId })
    const pairs = new TestPortPairs("127.0.0.1", count)
    const relay = new MediaRelay({ runtime, link, ports: pairs }, { idleMs: 100_000, maxCalls: 8 })
    await link.start()
    await relay.start()
    return { relay, pairs, link, phone: flowOf("UDP", phoneHost), host: flowOf("P2P", hostOfPeer(peerId), 0) }
  }
  const [a, b, stranger] = [await make("a", "127.0.0.2"), await make("b", "127.0.0.3"), await make("stranger", "127.0.0.4")]
  for (const { link } of [a, b, stranger]) for (const other of [a, b, stranger]) link.learn(other.link.self)
  return { runtime, a, b, stranger }
}

export function description(port: number, more = ""): string {
  return `v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n${more}`
}

/** Of the caller, whose tag is 1, to the callee, unless the tags are others. */
export function makeRequest(method: string, body: string, callId = "call@phone", [from, to] = ["1", "2"]): SipRequest {
  const headers: [string, string][] = [
    ["Via", "SIP/2.0/UDP 127.0.0.2;branch=z9hG4bK1"], ["From", `<sip:a@x>;tag=${from}`], ["To", `<sip:b@x>;tag=${to}`], ["Call-ID", callId], ["CSeq", `1 ${method}`],
    ...(body === "" ? [] : [["Content-Type", "application/sdp"] as [string, string]]),
  ]
  return SipRequest.create(method, "sip:b@x", headers, Buffer.from(body))
}

export function answerTo(request: SipRequest, status: number, body = ""): SipMessage {
  const response = createResponse(request, status)
  if (body !== "") response.headers.set("Content-Type", "application/sdp")
  response.body = Buffer.from(body)
  return response
}

/** Carries a message from one phone to the other; what the latter gets. */
export function carry(message: SipMessage, from: Side, to: Side): string {
  from.relay.pass(message, from.phone, to.host)
  to.relay.pass(message, from.host, to.phone)
  return Buffer.from(message.body).toString()
}

export function portIn(body: string): number {
  return Number(/^m=audio (\d+)/m.exec(body)?.[1])
}

/** A call that stands: where either phone sends to. */
export function setUp(a: Side, b: Side, callId?: string): { readonly atA: number; readonly atB: number } {
  const invite = makeRequest("INVITE", description(7000), callId)
  const atB = portIn(carry(invite, a, b))
  const atA = portIn(carry(answerTo(invite, 200, description(8000)), b, a))
  return { atA, atB }
}

export function speak(side: Side, port: number, text: string, from: HostPort, kind: MediaKind = 0): void {
  side.pairs.receivers.get(port)?.(kind, Buffer.from(text), from)
}
