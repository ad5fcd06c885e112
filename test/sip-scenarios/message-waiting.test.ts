/** Message waiting (RFC 3842): what a voice mail system publishes, and what the user's phones are told. */
import { expect } from "vitest"
import type { SipRequest } from "../../src/sip/message/index.ts"
import type { HeaderChanges } from "./phone-settings.ts"
import type { Phone } from "./phone.ts"
import { scenario } from "./scenario.ts"

const summary: HeaderChanges = { Event: "message-summary" }

function publishes(phone: Phone, text: string): SipRequest {
  const request = phone.request("PUBLISH", "sip:bob@example.org", { ...summary, "Content-Type": "application/simple-message-summary" })
  request.body = Buffer.from(text)
  return phone.sends(request)
}

/** The lines of the next NOTIFY. */
async function isTold(phone: Phone): Promise<string[]> {
  const notify = await phone.isNotified()
  phone.answers(notify, 200)
  expect([notify.headers.get("Event"), notify.headers.get("Content-Type")]).toEqual(["message-summary", "application/simple-message-summary"])
  return Buffer.from(notify.body).toString().split("\r\n").slice(0, -1)
}

scenario("a phone is told that nothing waits, and then what does, from wherever it was published", async ({ stage, phone, pass }) => {
  const bob = await phone("bob")
  bob.asks("SUBSCRIBE", "bob", { ...summary, Accept: "application/simple-message-summary" })
  expect((await bob.gets(200)).headers.get("Expires")).toBe("3600")
  expect(await isTold(bob)).toEqual(["Messages-Waiting: no", "Message-Account: sip:bob@example.org"])
  const voicemail = await phone("voicemail", { peer: await stage.addPeer() })
  publishes(voicemail, "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n\r\nSubject: secret\r\n")
  await voicemail.gets(200)
  await pass(5_000)
  expect(await isTold(bob)).toEqual(["Messages-Waiting: yes", "Message-Account: sip:bob@example.org", "Voice-Message: 2/8 (0/2)"])
})

scenario("a summary that is none is a 400", async ({ phone }) => {
  const bob = await phone("bob")
  publishes(bob, "You have mail")
  await bob.gets(400)
})

const users = ["alice", "bob", "voicemail"].map((username) => ({ username, password: "secret" }))

scenario("nobody but the user and third parties learns what waits", async ({ phone }) => {
  for (const [name, status] of [["bob", 200], ["voicemail", 200], ["alice", 403]] as const) {
    const subscriber = await phone(name, { password: "secret" })
    const request = subscriber.asks("SUBSCRIBE", "bob", summary)
    subscriber.sends(subscriber.withCredentials(request, await subscriber.gets(407)))
    await subscriber.gets(status)
    if (status === 200) await isTold(subscriber)
  }
}, { config: { users, registration: { thirdParties: ["voicemail"] } } })
