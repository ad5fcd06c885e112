/** What a peer does that cannot do more, or cannot reach the others (RFC 3261 §21.5.4). */
import { expect } from "vitest"
import type { SipResponse } from "../../src/sip/message/index.ts"
import { scenario } from "./scenario.ts"

/** Not at once, and not all at the same time. */
function comesBackLater({ headers }: SipResponse): void {
  const seconds = Number(headers.get("Retry-After"))
  expect(seconds).toBeGreaterThanOrEqual(1)
  expect(seconds).toBeLessThan(60)
}

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
