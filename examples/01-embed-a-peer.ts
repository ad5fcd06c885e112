/**
 * Peers inside your own program: two of them form an overlay, a phone registers
 * at one, and the other knows where it is.
 *
 *     node examples/01-embed-a-peer.ts
 */
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { createPeer } from "p2psip"
import { parseMessage, SipResponse } from "p2psip/sip"

const common = { domains: ["example.org"], sip: ["udp:127.0.0.1:0"], logLevel: "error" } as const

const first = await createPeer(common)
await first.start()
const second = await createPeer({ ...common, bootstrap: first.addresses.listen })
await second.start()
console.log(`two peers serve phones at ${first.addresses.sip[0]} and ${second.addresses.sip[0]}`)

// Any SIP phone would do. This one is a datagram long.
const phone = createSocket("udp4")
phone.bind(0, "127.0.0.1")
await once(phone, "listening")
const { port } = phone.address()
const register = [
  "REGISTER sip:example.org SIP/2.0",
  `Via: SIP/2.0/UDP 127.0.0.1:${port};rport;branch=z9hG4bK-1`,
  "Max-Forwards: 70",
  "From: <sip:alice@example.org>;tag=1",
  "To: <sip:alice@example.org>",
  `Call-ID: ${port}@127.0.0.1`,
  "CSeq: 1 REGISTER",
  `Contact: <sip:alice@127.0.0.1:${port}>;expires=600`,
  "Content-Length: 0",
  "", "",
].join("\r\n")
phone.send(register, portOf(first.addresses.sip[0]), "127.0.0.1")
const [datagram] = (await once(phone, "message")) as [Buffer]
const answer = parseMessage(datagram)
if (answer instanceof SipResponse) console.log(`the phone is told: ${answer.status} ${answer.reason}`)

// The servlet is the hash table beneath; registrations are records like any other.
for await (const event of second.servlet.lookup("sip:alice@example.org")) {
  if (event.name === "done") console.log(`seen from the second peer: ${event.values.length} binding of alice`)
}

// Leaving hands over what a peer was responsible for.
await first.leave()
const { records } = second.status().servlet
console.log(`after the first peer has left, the second holds ${records.owned} binding`)
await second.leave()
phone.close()

function portOf(listener = ""): number {
  return Number(listener.split(":").at(-1))
}
