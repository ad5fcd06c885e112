/** UDP, TCP, IPv4, IPv6, NAT, and bytes that are no SIP (RFC 3261 §18; RFC 3581; RFC 4475). */
import { expect } from "vitest"
import { scenario } from "./scenario.ts"

for (const [from, to] of [["UDP", "TCP"], ["TCP", "UDP"], ["TCP", "TCP"]] as const) {
  scenario(`a call from ${from} to ${to}`, async ({ phone, registered }) => {
    const [alice, bob] = [await phone("alice", { protocol: from }), await registered("bob", { protocol: to })]
    alice.calls("bob")
    const invite = await bob.gets("INVITE")
    bob.answers(invite, 200)
    const ok = await alice.gets(200)
    alice.acks(ok)
    await bob.gets("ACK")
    bob.sends(bob.within(invite, "BYE"))
    alice.answers(await alice.gets("BYE"), 200)
    await bob.gets(200)
  })
}

const sixAndFour = { config: { sip: ["udp:[::1]:0", "tcp:[::1]:0", "udp:127.0.0.1:0"] } }

scenario("a call over IPv6, addresses in brackets wherever they stand", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice", { host: "::1" }), await registered("bob", { host: "::1", protocol: "TCP" })]
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  expect(invite.headers.getAll("Record-Route")[0]).toContain("@[::1]:")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "BYE"))
  bob.answers(await bob.gets("BYE"), 200)
  await alice.gets(200)
}, sixAndFour)

scenario("a phone behind NAT is answered where its request came from, and told so", async ({ phone }) => {
  const alice = await phone("alice")
  alice.asks("OPTIONS", "sip:example.org", { Via: "SIP/2.0/UDP 10.1.2.3:5060;branch=z9hG4bKnat;rport" })
  const { via } = await alice.gets(200)
  expect(via?.params.get("received")).toBe("127.0.0.1")
  expect(via?.params.get("rport")).toBe(String(alice.address.port))
})

scenario("a phone without rport is answered at the port in its Via", async ({ phone }) => {
  const [alice, ear] = [await phone("alice"), await phone("ear")]
  alice.asks("OPTIONS", "sip:example.org", { Via: `SIP/2.0/UDP 127.0.0.1:${ear.address.port};branch=z9hG4bKear` })
  await ear.gets(200)
})

scenario("maddr in a Via sends nothing to anybody", async ({ phone }) => {
  const [alice, victim] = [await phone("alice"), await phone("victim")]
  alice.asks("OPTIONS", "sip:example.org", { Via: `SIP/2.0/UDP 10.1.2.3:${victim.address.port};branch=z9hG4bKm;rport;maddr=127.0.0.1` })
  await alice.gets(200)
  expect(victim.inbox).toEqual([])
})

scenario("the Vias that a callee has changed do not lead the answer astray", async ({ phone, registered }) => {
  const [alice, bob, victim] = [await phone("alice"), await registered("bob"), await phone("victim")]
  const sent = alice.calls("bob")
  const invite = await bob.gets("INVITE")
  const [ours = ""] = invite.headers.getAll("Via")
  bob.answers(invite, 486, { Via: [ours, `SIP/2.0/UDP 127.0.0.1:${victim.address.port};branch=z9hG4bKother`] })
  const refusal = await alice.gets(486)
  expect(refusal.headers.count("Via")).toBe(1)
  expect(refusal.via?.branch).toBe(sent.via?.branch)
  expect(victim.inbox).toEqual([])
})

scenario("an answer from somebody who does not know the branch is dropped", async ({ phone, registered }) => {
  const [alice, bob, mallory] = [await phone("alice"), await registered("bob"), await phone("mallory")]
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  mallory.sends(`SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKguess\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: ${invite.callId}\r\nCSeq: 1 INVITE\r\n\r\n`)
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("a phone that changes its connection is called on the new one", async ({ phone, registered }) => {
  const alice = await phone("alice")
  const old = await registered("bob, before", { user: "bob", protocol: "TCP", contactParameters: ';+sip.instance="<urn:uuid:1>"' })
  await old.unplug()
  const now = await registered("bob, now", { user: "bob", protocol: "TCP", contactParameters: ';+sip.instance="<urn:uuid:1>"' })
  alice.calls("bob")
  now.answers(await now.gets("INVITE"), 486)
  await alice.gets(486)
})

const faults: readonly [string, string, number][] = [
  ["a request without From", "From: x\r\n", 400],
  ["a CSeq of another method", "CSeq: 1 INVITE\r\n", 400],
  ["a Max-Forwards that is no number", "Max-Forwards: many\r\n", 400],
  ["a body shorter than it says", "Content-Length: 9\r\n", 400],
]
for (const [what, line, status] of faults) {
  scenario(`${what} is a ${status} that names the fault`, async ({ phone }) => {
    const alice = await phone("alice")
    const name = line.slice(0, line.indexOf(":") + 1)
    const lines = alice.request("MESSAGE", "sip:bob@example.org").toString().split("\r\n").filter((other) => !other.startsWith(name) && !other.startsWith("Content-Length"))
    const [start = "", ...headers] = lines
    const wrong = name === "From:" ? "" : line
    alice.sends(`${start}\r\n${wrong}${headers.join("\r\n")}`)
    expect((await alice.gets(status)).reason.toLowerCase()).toContain(name.slice(0, -1).toLowerCase())
  })
}

scenario("a version of SIP that is not ours is a 505", async ({ phone }) => {
  const alice = await phone("alice")
  alice.sends(alice.request("OPTIONS", "sip:example.org").toString().replace("SIP/2.0\r\n", "SIP/7.0\r\n"))
  await alice.gets(505)
})

scenario("schemes that nobody can reach here are a 416", async ({ phone }) => {
  const alice = await phone("alice")
  for (const uri of ["urn:service:sos", "mailto:bob@example.org", "sips:bob@example.org"]) {
    alice.asks("MESSAGE", uri)
    await alice.gets(416)
  }
})

scenario("noise, keep-alives and half a message get no answer and do no harm", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  for (const noise of ["\r\n\r\n", "\0\0\0\0", "GET / HTTP/1.1\r\n\r\n", "INVITE sip:bob@example.org SIP/2.0\r\nVi", "SIP/2.0 200 OK\r\n\r\n"]) alice.sends(noise)
  alice.calls("bob")
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("a line break in a header that a phone sends comes out as it came in, and makes no header of its own", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.sends(alice.request("MESSAGE", bob.uri).toString().replace("Max-Forwards", "Subject: one\r\n X-Injected: two\r\nMax-Forwards"))
  const message = await bob.gets("MESSAGE")
  expect(message.headers.has("X-Injected")).toBe(false)
  bob.answers(message, 200)
  await alice.gets(200)
})
