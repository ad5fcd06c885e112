/** What keeps a peer from being hurt, and from being of use to those who want to hurt others. */
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { connect } from "node:net"
import { setImmediate as turn } from "node:timers/promises"
import { expect } from "vitest"
import type { HostPort } from "../../src/sip/transport/index.ts"
import { scenario } from "./scenario.ts"

const users = [{ username: "alice", password: "secret" }]
const stingy = { config: { sources: { messagesPerSecond: 10, burst: 20, exempt: [] } } }
const crlf = "\r\n"

/** A socket of somebody who is no phone. */
async function outsider(host: string, to: HostPort) {
  const socket = createSocket("udp4")
  socket.bind(0, host)
  await once(socket, "listening")
  const answers: Buffer[] = []
  socket.on("message", (message) => answers.push(message))
  return {
    answers,
    send: async (text: string | Buffer) => {
      await new Promise((resolve) => socket.send(text, to.port, to.host, resolve))
    },
    /** Sends a request, and gives the answer. */
    ask: async (text: string): Promise<string> => {
      const answer = once(socket, "message")
      socket.send(Buffer.from(text, "latin1"), to.port, to.host)
      return ((await answer) as [Buffer])[0].toString("latin1")
    },
    close: () => socket.close(),
  }
}

function options(line: string, headers: readonly string[] = []): string {
  const usual = ["Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport", "Max-Forwards: 70", "From: <sip:x@example.com>;tag=1", "To: <sip:alice@example.org>"]
  return [line, ...usual, "Call-ID: 1", `CSeq: 1 ${line.slice(0, line.indexOf(" "))}`, ...headers, "Content-Length: 0", "", ""].join(crlf)
}

scenario("a flood from one address is dropped, and a phone at another goes on", async ({ stage, peer, phone }) => {
  const [alice, flood] = [await phone("alice"), await outsider("127.0.0.2", peer.addressFor("UDP"))]
  for (let i = 0; i < 100; i++) await flood.send(options("OPTIONS sip:127.0.0.1 SIP/2.0"))
  expect((await alice.registers()).status).toBe(200)
  expect(stage.runtime.metrics.count("p2psip_sip_transport_dropped_total", { protocol: "UDP", reason: "rate" })).toBeGreaterThan(50)
  flood.close()
}, stingy)

scenario("the flood is over when the sender has been quiet for a while", async ({ peer, pass, phone }) => {
  const [alice, flood] = [await phone("alice"), await outsider("127.0.0.2", peer.addressFor("UDP"))]
  for (let i = 0; i < 100; i++) await flood.send(options("OPTIONS sip:127.0.0.1 SIP/2.0"))
  await alice.ping()
  await pass(4000)
  expect(await flood.ask(options("OPTIONS sip:127.0.0.1 SIP/2.0"))).toContain("SIP/2.0 4")
  flood.close()
}, stingy)

scenario("a flood over a connection closes it, and more are not accepted", async ({ peer }) => {
  const { host, port } = peer.addressFor("TCP")
  const socket = connect({ host, port, localAddress: "127.0.0.2" })
  socket.on("error", () => undefined).resume()
  await once(socket, "connect")
  for (let i = 0; i < 100; i++) socket.write(options("OPTIONS sip:127.0.0.1 SIP/2.0").replace("UDP", "TCP"))
  await once(socket, "close")
  const again = connect({ host, port, localAddress: "127.0.0.2" })
  again.on("error", () => undefined).resume()
  await once(again, "close")
  expect(again.bytesRead).toBe(0)
}, stingy)

scenario("a flood in the name of a user's address does not reach the user", async ({ peer, phone }) => {
  const alice = await phone("alice", { password: "secret", host: "127.0.0.2" })
  expect((await alice.registers()).status).toBe(200)
  const flood = await outsider("127.0.0.2", peer.addressFor("UDP"))
  for (let i = 0; i < 100; i++) await flood.send(options("OPTIONS sip:127.0.0.1 SIP/2.0"))
  expect((await alice.registers()).status).toBe(200)
  flood.close()
}, { config: { ...stingy.config, users } })

scenario("addresses that are exempt may send as much as they like", async ({ peer, stage, phone }) => {
  const [alice, proxy] = [await phone("alice", { host: "127.0.0.3" }), await outsider("127.0.0.2", peer.addressFor("UDP"))]
  for (let i = 0; i < 100; i++) await proxy.send(options("OPTIONS sip:127.0.0.1 SIP/2.0"))
  await alice.ping()
  expect(stage.runtime.metrics.count("p2psip_sip_transport_dropped_total", { protocol: "UDP", reason: "rate" })).toBe(0)
  proxy.close()
}, { config: { sources: { messagesPerSecond: 10, burst: 20, exempt: ["127.0.0.2/31"] } } })

scenario("nonsense is not answered, and costs twenty messages", async ({ peer, stage, phone }) => {
  const [alice, fuzzer] = [await phone("alice"), await outsider("127.0.0.2", peer.addressFor("UDP"))]
  for (let i = 0; i < 10; i++) await fuzzer.send(`nonsense ${i}`)
  await alice.ping()
  expect(fuzzer.answers).toEqual([])
  expect(stage.runtime.metrics.count("p2psip_sip_transport_dropped_total", { protocol: "UDP", reason: "rate" })).toBe(9)
  fuzzer.close()
}, stingy)

scenario("an INVITE that is refused is answered once for each time that it comes: nobody's address is flooded", async ({ peer, pass, phone }) => {
  const alice = await phone("alice")
  const victim = await outsider("127.0.0.2", peer.addressFor("UDP"))
  await victim.send(options("INVITE sip:alice@example.org SIP/2.0").replace("sip:x@example.com", "sip:alice@example.org"))
  await pass(40_000)
  await alice.ping()
  expect(victim.answers.map((answer) => answer.toString().slice(0, 11))).toEqual(["SIP/2.0 407"])
  victim.close()
}, { config: { users } })

for (const [title, request] of [
  ["REGISTER", options("REGISTER sip:example.org SIP/2.0", ["Contact: *", "Expires: 0"])],
  ["INVITE in a user's name", options("INVITE sip:alice@example.org SIP/2.0").replace("sip:x@example.com", "sip:alice@example.org")],
  ["request for nobody", options("MESSAGE sip:nobody@example.org SIP/2.0")],
  ["request with a wrong extension", options("MESSAGE sip:alice@example.org SIP/2.0", ["Proxy-Require: a, b, c"])],
  ["request to relay", options("MESSAGE sip:bob@example.com SIP/2.0")],
  ["request without a Call-ID", options("OPTIONS sip:alice@example.org SIP/2.0").replace(`Call-ID: 1${crlf}`, "")],
] as const) {
  scenario(`the answer to a ${title} is at most 600 bytes longer than what an address that proves nothing has sent`, async ({ peer }) => {
    const stranger = await outsider("127.0.0.1", peer.addressFor("UDP"))
    const answer = await stranger.ask(request)
    expect(answer.length).toBeLessThanOrEqual(request.length + 600)
    stranger.close()
  }, { config: { users } })
}

scenario("maddr in a Via sends no answer to others", async ({ peer }) => {
  const { host, port } = peer.addressFor("UDP")
  const victim = await outsider("127.0.0.2", { host, port })
  const sender = await outsider("127.0.0.1", { host, port })
  const answer = await sender.ask(options("OPTIONS sip:127.0.0.1 SIP/2.0").replace(";rport", ";rport;maddr=127.0.0.2"))
  expect(answer).toContain("SIP/2.0")
  await turn()
  expect(victim.answers).toEqual([])
  victim.close()
  sender.close()
})

for (const [title, text] of [
  ["a line feed alone in a contact", "<sip:a@127.0.0.1>;x=\"\nInjected: 1\""],
  ["a carriage return alone in a contact", "<sip:a@127.0.0.1>;x=\"\rInjected: 1\""],
] as const) {
  scenario(`${title} is refused, and comes back in no answer`, async ({ peer }) => {
    const stranger = await outsider("127.0.0.1", peer.addressFor("UDP"))
    const answer = await stranger.ask(options("REGISTER sip:example.org SIP/2.0", [`Contact: ${text}`]))
    expect(answer.slice(0, 11)).toBe("SIP/2.0 400")
    expect(answer).not.toContain("Injected")
    stranger.close()
  })
}

scenario("escapes in a contact stay escapes", async ({ phone }) => {
  const alice = await phone("alice")
  const answer = await alice.registers({ Contact: "<sip:a%0d%0aInjected:%201@127.0.0.1>" })
  expect([answer.status, answer.headers.has("Injected")]).toEqual([200, false])
  expect(answer.headers.getAll("Contact")).toEqual(["<sip:a%0d%0aInjected:%201@127.0.0.1>;expires=3600"])
})

scenario("an extension's name in a refusal is what came, in one line", async ({ phone }) => {
  const refused = await (await phone("alice")).registers({ Require: "a%0d%0ab" })
  expect([refused.status, refused.headers.get("Unsupported")]).toEqual([420, "a%0d%0ab"])
})

scenario("a long list of extensions does not come back longer", async ({ phone }) => {
  const alice = await phone("alice", { protocol: "TCP" })
  const tags = Array.from({ length: 5000 }, (_, index) => `e${index}`)
  const refused = await alice.registers({ Require: tags.join(",") })
  expect([refused.status, refused.headers.getAll("Unsupported")]).toEqual([420, tags.slice(0, 32)])
  alice.asks("OPTIONS", "bob", { "Proxy-Require": tags.join(",") })
  expect((await alice.gets(420)).headers.getAll("Unsupported")).toEqual(tags.slice(0, 32))
})

scenario("a contact longer than a kilobyte is refused", async ({ phone }) => {
  expect((await (await phone("alice")).registers({ Contact: `<sip:${"a".repeat(1100)}@127.0.0.1>` })).status).toBe(400)
})

scenario("a binding that a broken peer has stored keeps nobody from being found", async ({ stage, registered, phone }) => {
  const [bob, alice] = [await registered("bob"), await phone("alice")]
  await stage.servlet.put("sip:bob@example.org", Buffer.from([1, 3, 0x0d, 0x0a, 0x58, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
  alice.asks("MESSAGE", "bob")
  bob.answers(await bob.gets("MESSAGE"), 200)
  await alice.gets(200)
})

scenario("a phone that keeps its NAT open by STUN learns its address, and sends nothing up", async ({ peer, stage }) => {
  const nat = await outsider("127.0.0.1", peer.addressFor("UDP"))
  await nat.send(Buffer.from("000100002112a442b7e7a701bc34d686fa87dfae", "hex"))
  while (nat.answers.length === 0) await turn()
  expect(nat.answers[0]?.readUInt16BE(0)).toBe(0x0101)
  expect(stage.runtime.metrics.count("p2psip_sip_transport_keepalives_total", { protocol: "UDP" })).toBe(1)
  nat.close()
})

scenario("a double line end on a connection is answered with a single one", async ({ peer }) => {
  const socket = connect(peer.addressFor("TCP"))
  socket.write("\r\n\r\n")
  const [pong] = (await once(socket, "data")) as [Buffer]
  expect(pong.toString()).toBe("\r\n")
  socket.destroy()
})
