/** What a peer does that cannot do more, or cannot reach the others (RFC 3261 §21.5.4). */
import { expect } from "vitest"
import { makeUserRecord, userKey, userValueHash } from "../../src/peer/user-record.ts"
import type { SipResponse } from "../../src/sip/message/index.ts"
import { scenario } from "./scenario.ts"

/** Not at once, and not all at the same time. */
function comesBackLater({ headers }: SipResponse): void {
  const seconds = Number(headers.get("Retry-After"))
  expect(seconds).toBeGreaterThanOrEqual(1)
  expect(seconds).toBeLessThan(60)
}

scenario("an address that nobody can have, as it is longer than any key of the overlay, is not found", async ({ phone }) => {
  const alice = await phone("alice")
  const nobody = `sip:${"a".repeat(1100)}@example.org`
  for (const method of ["INVITE", "SUBSCRIBE", "PUBLISH"]) {
    alice.asks(method, nobody, { Event: "presence" })
    await alice.gets(404)
  }
  alice.calls(`${nobody};gr=urn:uuid:1`)
  await alice.gets(404)
})

const twoAtATime = { config: { limits: { maxTransactions: 2 } } }

scenario("a peer that has as many transactions as it may refuses the next call with Retry-After, and loses none that it has", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  const carol = await phone("carol")
  for (const caller of [alice, carol]) caller.calls("bob")
  const invites = [await bob.gets("INVITE"), await bob.gets("INVITE")]
  const dave = await phone("dave")
  dave.calls("bob")
  // Its ACK ends here: it must not reach Bob, who has never heard of this call.
  comesBackLater(await dave.gets(503))
  for (const invite of invites) bob.answers(invite, 200)
  for (const caller of [alice, carol]) caller.acks(await caller.gets(200))
  await bob.gets("ACK")
  await bob.gets("ACK")
}, twoAtATime)

scenario("a peer that has as many transactions as it may still registers phones", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  const carol = await phone("carol")
  for (const caller of [alice, carol]) caller.calls("bob")
  const invites = [await bob.gets("INVITE"), await bob.gets("INVITE")]
  expect((await carol.registers()).status).toBe(200)
  for (const invite of invites) bob.answers(invite, 486)
  for (const caller of [alice, carol]) await caller.gets(486)
}, twoAtATime)

scenario("a peer that is cut off from the others refuses registrations with Retry-After, also those that only ask", async ({ stage, phone }) => {
  const bob = await phone("bob")
  await stage.servlet.leave()
  comesBackLater(await bob.registers())
  comesBackLater(await bob.registers({ Contact: undefined }))
})

scenario("a peer that cannot look up who calls, or who is called, refuses calls with Retry-After", async ({ stage, phone }) => {
  await stage.servlet.put(userKey("alice", "example.org"), makeUserRecord("alice", "example.org", "secret"), { valueHash: userValueHash })
  const [alice, stranger] = [await phone("alice", { password: "secret" }), await phone("stranger")]
  const invite = alice.calls("bob")
  const again = alice.withCredentials(invite, await alice.gets(407))
  await stage.servlet.leave()
  alice.sends(again)
  comesBackLater(await alice.gets(503))
  stranger.calls("bob", { From: "<sip:carol@example.com>;tag=1" })
  comesBackLater(await stranger.gets(503))
}, { config: { overlayUsers: true } })
