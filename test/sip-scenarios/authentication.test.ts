/** Who may register and call in whose name (RFC 3261 §22, RFC 7616, RFC 8760). */
import { expect } from "vitest"
import { makeUserRecord, userKey, userValueHash } from "../../src/peer/user-record.ts"
import { digestResponse, hashA1, parseDigest } from "../../src/security/digest.ts"
import type { SipResponse } from "../../src/sip/message/index.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const users = ["alice", "bob"].map((username) => ({ username, password: "secret" }))
const withUsers = { config: { users } }
const right = { password: "secret" }
const wrong = { password: "guess" }
const realmOf = (response: SipResponse) => parseDigest(response.headers.getAll("WWW-Authenticate")[0] ?? "")?.get("realm")

/** Registers again and again with a wrong password; the last answer. */
async function guess(phone: Phone, times: number): Promise<SipResponse> {
  let answer = await phone.registers()
  for (let i = 1; i < times && answer.status === 401; i++) answer = await phone.registers()
  return answer
}

scenario("a phone without credentials is challenged, strongest algorithm first", async ({ phone }) => {
  const challenge = await (await phone("alice")).registers()
  expect(challenge.status).toBe(401)
  const offered = challenge.headers.getAll("WWW-Authenticate").map((text) => parseDigest(text)?.get("algorithm"))
  expect(offered).toEqual(["SHA-256", "MD5"])
}, withUsers)

scenario("a phone with the right password registers", async ({ phone }) => {
  expect((await (await phone("alice", right)).registers()).status).toBe(200)
}, withUsers)

scenario("a phone with a wrong password does not, and is not told why", async ({ phone }) => {
  const refused = await (await phone("alice", wrong)).registers()
  const stranger = await (await phone("mallory", wrong)).registers()
  expect([refused.status, stranger.status, refused.reason === stranger.reason]).toEqual([401, 401, true])
  expect(refused.headers.getAll("WWW-Authenticate")[0]).not.toContain("stale")
}, withUsers)

scenario("one nonce is good for many requests whose count grows, and for no replay", async ({ phone }) => {
  const alice = await phone("alice", right)
  const request = alice.sends(alice.registration())
  const challenge = await alice.gets(401)
  alice.sends(alice.withCredentials(request, challenge, 1))
  await alice.gets(200)
  alice.sends(alice.withCredentials(alice.registration(), challenge, 2))
  await alice.gets(200)
  alice.sends(alice.withCredentials(request, challenge, 1))
  expect((await alice.gets(401)).headers.getAll("WWW-Authenticate")[0]).toContain("stale=true")
}, withUsers)

scenario("a nonce ends after five minutes, and the phone goes on by itself with a new one", async ({ phone, pass }) => {
  const alice = await phone("alice", right)
  const request = alice.sends(alice.registration())
  const challenge = await alice.gets(401)
  await pass(300_001)
  alice.sends(alice.withCredentials(request, challenge))
  const again = await alice.gets(401)
  expect(again.headers.getAll("WWW-Authenticate")[0]).toContain("stale=true")
  alice.sends(alice.withCredentials(request, again))
  await alice.gets(200)
}, withUsers)

scenario("a nonce is of no use at another address", async ({ phone }) => {
  const [alice, thief] = [await phone("alice", right), await phone("thief", { ...right, user: "alice", host: "127.0.0.2" })]
  const request = alice.sends(alice.registration())
  const challenge = await alice.gets(401)
  thief.sends(thief.withCredentials(thief.registration(), challenge))
  expect((await thief.gets(401)).headers.getAll("WWW-Authenticate")[0]).toContain("stale=true")
  alice.sends(alice.withCredentials(request, challenge))
  await alice.gets(200)
}, withUsers)

scenario("a retransmission is no replay", async ({ phone }) => {
  const alice = await phone("alice", right)
  const request = alice.sends(alice.registration())
  const again = alice.sends(alice.withCredentials(request, await alice.gets(401)))
  await alice.gets(200)
  alice.sends(again)
  await alice.gets(200)
}, withUsers)

scenario("an old phone without qop registers with MD5", async ({ phone }) => {
  const alice = await phone("alice")
  alice.sends(alice.registration())
  const nonce = parseDigest((await alice.gets(401)).headers.getAll("WWW-Authenticate")[1] ?? "")?.get("nonce") ?? ""
  const ha1 = hashA1("MD5", "alice", "example.org", "secret")
  const response = digestResponse({ algorithm: "MD5", ha1, method: "REGISTER", uri: "sip:example.org", nonce })
  const Authorization = `Digest username="alice", realm="example.org", nonce="${nonce}", uri="sip:example.org", response="${response}"`
  expect((await alice.registers({ Authorization })).status).toBe(200)
}, withUsers)

scenario("nobody registers another's address", async ({ phone }) => {
  const alice = await phone("alice", right)
  const refused = await alice.registers({ To: "<sip:bob@example.org>" })
  expect([refused.status, refused.reason]).toEqual([403, "Not Your Address-Of-Record"])
}, withUsers)

scenario("nobody registers in another's name", async ({ phone }) => {
  const refused = await (await phone("alice", right)).registers({ From: "<sip:bob@example.org>;tag=1" })
  expect([refused.status, refused.reason]).toEqual([403, "From Is Not You"])
}, withUsers)

scenario("a third party registers others in its own name, and only in its own", async ({ phone }) => {
  const alice = await phone("alice", right)
  const To = "<sip:bob@example.org>"
  expect((await alice.registers({ To, Contact: "<sip:bob@127.0.0.1>" })).status).toBe(200)
  expect((await alice.registers({ To, From: "<sip:bob@example.org>;tag=1" })).status).toBe(403)
}, { config: { users, registration: { thirdParties: ["alice"] } } })

scenario("a user name may have its domain", async ({ phone }) => {
  const alice = await phone("alice", { ...right, user: "alice@example.org" })
  const own = "<sip:alice@example.org>"
  expect((await alice.registers({ To: own, From: `${own};tag=1`, Contact: "<sip:alice@127.0.0.1>" })).status).toBe(200)
}, { config: { users: [{ username: "alice@example.org", password: "secret" }] } })

scenario("each domain is a realm of its own", async ({ phone }) => {
  const alice = await phone("alice")
  expect(realmOf(await alice.registers())).toBe("example.org")
  expect(realmOf(await alice.registers({ To: "<sip:alice@example.net>", From: "<sip:alice@example.net>;tag=1" }))).toBe("example.net")
}, { config: { users, domains: ["example.org", "example.net"] } })

scenario("two domains may each have an alice, with passwords of their own", async ({ phone }) => {
  const [first, second] = [await phone("first", { user: "alice", password: "one" }), await phone("second", { user: "alice", password: "two" })]
  const net = { To: "<sip:alice@example.net>", From: "<sip:alice@example.net>;tag=1" }
  expect((await first.registers()).status).toBe(200)
  expect((await second.registers(net)).status).toBe(200)
  expect((await first.registers(net)).status).toBe(401)
}, {
  config: {
    domains: ["example.org", "example.net"],
    users: [{ username: "alice", domain: "example.org", password: "one" }, { username: "alice", domain: "example.net", password: "two" }],
  },
})

scenario("one realm can stand for all domains", async ({ phone }) => {
  expect(realmOf(await (await phone("alice")).registers())).toBe("Our 'phones'")
}, { config: { users, realm: "Our 'phones'" } })

scenario("a user of the overlay registers at every peer, until removed", async ({ stage, phone, pass }) => {
  const other = await stage.addPeer({ overlayUsers: true })
  const record = makeUserRecord("carol", "example.org", "secret")
  await stage.servlet.put(userKey("carol", "example.org"), record, { valueHash: userValueHash, ttlSeconds: 100_000 })
  const here = await phone("here", { ...right, user: "carol" })
  const there = await phone("there", { ...right, user: "carol", peer: other })
  expect([(await here.registers()).status, (await there.registers()).status]).toEqual([200, 200])
  await stage.servlet.remove(userKey("carol", "example.org"), userValueHash)
  await pass(60_001)
  expect((await here.registers()).status).toBe(401)
}, { config: { overlayUsers: true } })

scenario("a user of the configuration and one of the overlay call each other", async ({ stage, phone }) => {
  await stage.servlet.put(userKey("carol", "example.org"), makeUserRecord("carol", "example.org", "secret"), { valueHash: userValueHash })
  const [alice, carol] = [await phone("alice", right), await phone("carol", right)]
  expect((await carol.registers()).status).toBe(200)
  await alice.callsWithPassword("carol")
  carol.answers(await carol.gets("INVITE"), 486)
  await alice.gets(486)
}, { config: { users, overlayUsers: true } })

scenario("a call in our user's name wants that user's password", async ({ phone }) => {
  const [alice, mallory] = [await phone("alice", right), await phone("bob", right)]
  mallory.calls("alice", { From: "<sip:alice@example.org>;tag=1" })
  const challenge = await mallory.gets(407)
  expect(challenge.headers.getAll("Proxy-Authenticate")).toHaveLength(2)
  mallory.sends(mallory.withCredentials(mallory.request("INVITE", "sip:alice@example.org", { From: "<sip:alice@example.org>;tag=1" }), challenge))
  expect((await mallory.gets(403)).reason).toBe("From Is Not You")
  expect(alice.inbox).toEqual([])
}, withUsers)

scenario("a caller from elsewhere needs no password to reach our users", async ({ phone }) => {
  const [bob, stranger] = [await phone("bob", right), await phone("stranger")]
  await bob.registers()
  stranger.calls("bob", { From: "<sip:carol@example.com>;tag=1" })
  bob.answers(await bob.gets("INVITE"), 486)
  await stranger.gets(486)
}, withUsers)

scenario("a user that does not exist is 404, one that is not there 480", async ({ phone }) => {
  const stranger = await phone("stranger")
  const From = "<sip:carol@example.com>;tag=1"
  stranger.asks("MESSAGE", "nobody", { From })
  await stranger.gets(404)
  stranger.asks("MESSAGE", "bob", { From })
  await stranger.gets(480)
}, withUsers)

scenario("requests within a call are not challenged", async ({ phone }) => {
  const [alice, bob] = [await phone("alice", right), await phone("bob", right)]
  await bob.registers()
  await alice.callsWithPassword("bob")
  bob.answers(await bob.gets("INVITE"), 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "BYE"))
  bob.answers(await bob.gets("BYE"), 200)
  await alice.gets(200)
}, withUsers)

scenario("after six wrong passwords the seventh is not judged, and ten seconds later it is", async ({ phone, pass }) => {
  const mallory = await phone("mallory", { ...wrong, user: "alice" })
  const slowed = await guess(mallory, 7)
  expect([slowed.status, slowed.headers.get("Retry-After")]).toEqual([503, "10"])
  await pass(10_000)
  expect((await mallory.registers()).status).toBe(401)
}, withUsers)

/** A stranger has guessed for so long that nothing from there is judged. */
async function besieged({ phone }: Scene, alice: Phone): Promise<void> {
  expect((await alice.registers()).status).toBe(200)
  const mallory = await phone("mallory", { ...wrong, user: "alice", host: "127.0.0.2" })
  expect((await guess(mallory, 10)).status).toBe(503)
}

scenario("a stranger who guesses does not keep the user out", async (scene) => {
  const alice = await scene.phone("alice", right)
  await besieged(scene, alice)
  expect((await alice.registers()).status).toBe(200)
}, withUsers)

scenario("a user comes in from a new place while a stranger guesses", async (scene) => {
  await besieged(scene, await scene.phone("alice", right))
  const elsewhere = await scene.phone("elsewhere", { ...right, user: "alice", host: "127.0.0.3" })
  expect((await elsewhere.registers()).status).toBe(200)
}, withUsers)

scenario("a neighbour's phone with a wrong password harms nobody behind the same NAT", async ({ phone }) => {
  const alice = await phone("alice", right)
  await alice.registers()
  expect((await guess(await phone("broken", { ...wrong, user: "bob" }), 10)).status).toBe(503)
  expect((await alice.registers()).status).toBe(200)
}, withUsers)

scenario("without users anybody registers anything", async ({ phone }) => {
  expect((await (await phone("anybody")).registers({ To: "<sip:somebody@example.org>" })).status).toBe(200)
})
