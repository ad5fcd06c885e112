/** Calls between phones of one peer. */
import { expect } from "vitest"
import { scenario } from "./scenario.ts"

scenario("a call rings, is answered and is hung up by the caller", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 180)
  await alice.gets(180)
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "BYE"))
  bob.answers(await bob.gets("BYE"), 200)
  await alice.gets(200)
})

scenario("the caller hangs up while it rings", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  const invite = alice.calls("bob")
  bob.answers(await bob.gets("INVITE"), 180)
  await alice.gets(180)
  await alice.cancels(invite)
  bob.obeys(await bob.gets("CANCEL"))
  await alice.gets(487)
})

scenario("a phone that says nothing is asked seven times, and the caller gets 408 after 32 s", async ({ phone, registered, pass }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.calls("bob")
  await bob.gets("INVITE")
  await pass(32_000)
  await alice.gets(408)
  expect(bob.absorbed.filter((label) => label === "INVITE")).toHaveLength(6)
})
