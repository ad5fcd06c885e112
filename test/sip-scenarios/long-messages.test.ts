/** Requests that do not fit into a datagram (RFC 3261 §18.1.1). */
import { expect } from "vitest"
import type { SipRequest } from "../../src/sip/message/index.ts"
import { scenario } from "./scenario.ts"

const everybody = { config: { calls: { relayFor: "everybody" } } } as const

function long(request: SipRequest, bytes = 1300): SipRequest {
  request.body = Buffer.alloc(bytes, "x")
  return request
}

scenario("a long request to another domain goes by TCP", async ({ phone }) => {
  const [alice, carrier] = [await phone("alice"), await phone("carrier", { protocol: "TCP" })]
  alice.sends(long(alice.request("MESSAGE", `sip:carol@127.0.0.1:${carrier.address.port}`)))
  const message = await carrier.gets("MESSAGE")
  expect(message.via?.protocol).toBe("TCP")
  carrier.answers(message, 200)
  await alice.gets(200)
}, everybody)

scenario("a long request goes by UDP where nobody listens for TCP", async ({ phone }) => {
  const [alice, carrier] = [await phone("alice"), await phone("carrier")]
  alice.sends(long(alice.request("MESSAGE", `sip:carol@127.0.0.1:${carrier.address.port}`)))
  const message = await carrier.gets("MESSAGE")
  expect(message.via?.protocol).toBe("UDP")
  expect(message.body.length).toBe(1300)
  carrier.answers(message, 200)
  await alice.gets(200)
}, everybody)

scenario("a short request goes by UDP where both listen", async ({ phone }) => {
  const [alice, udp] = [await phone("alice"), await phone("carrier")]
  const tcp = await phone("carrier over TCP", { protocol: "TCP", port: udp.address.port })
  alice.asks("MESSAGE", `sip:carol@127.0.0.1:${udp.address.port}`)
  udp.answers(await udp.gets("MESSAGE"), 200)
  await alice.gets(200)
  expect(tcp.inbox).toEqual([])
}, everybody)

scenario("a long request to a phone behind its UDP flow stays there: nothing else may reach it", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.sends(long(alice.request("MESSAGE", bob.uri)))
  bob.answers(await bob.gets("MESSAGE"), 200)
  await alice.gets(200)
})

scenario("32 kB go from TCP to TCP, byte for byte", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice", { protocol: "TCP" }), await registered("bob", { protocol: "TCP" })]
  const sent = alice.sends(long(alice.request("MESSAGE", bob.uri), 32_000))
  const message = await bob.gets("MESSAGE")
  expect(Buffer.compare(message.body, sent.body)).toBe(0)
  bob.answers(message, 200)
  await alice.gets(200)
})

scenario("a longer body is a 413, and the end of its connection", async ({ phone }) => {
  const alice = await phone("alice", { protocol: "TCP" })
  alice.sends(long(alice.request("MESSAGE", "sip:bob@example.org"), 40_000))
  await alice.gets(413)
  await alice.unplug()
})
