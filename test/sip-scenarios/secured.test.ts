/** Phones over TLS and browsers over WSS (RFC 3261 §26.3, RFC 7118, RFC 5630). */
import { afterAll, expect } from "vitest"
import { Certificates } from "../../src/sip/transport/index.ts"
import { TestAuthority } from "../support/certificates.ts"
import { SocketRuntime } from "../support/socket-runtime.ts"
import type { PhoneProtocol, PhoneSettings } from "./phone-settings.ts"
import { scenario } from "./scenario.ts"

const authority = await TestAuthority.create()
const files = await authority.issue("peer", [{ type: "ip", value: "127.0.0.1" }])
const tls = { ...files, ca: authority.ca }
const certificates = new Certificates({ runtime: new SocketRuntime() }, tls)
await certificates.start()
afterAll(() => {
  certificates.stop()
  authority.remove()
})

const setting = { config: { tls, sip: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0", "wss:127.0.0.1:0"] } }
const over = (protocol: PhoneProtocol): PhoneSettings => ({ protocol, certificates })

for (const [from, to] of [["TLS", "UDP"], ["UDP", "TLS"], ["WSS", "TLS"], ["TLS", "WSS"], ["WSS", "WSS"]] as const) {
  scenario(`a call from ${from} to ${to}, hung up by the callee`, async ({ phone, registered }) => {
    const [alice, bob] = [await phone("alice", over(from)), await registered("bob", over(to))]
    alice.calls("bob")
    const invite = await bob.gets("INVITE")
    bob.answers(invite, 200)
    const ok = await alice.gets(200)
    alice.acks(ok)
    await bob.gets("ACK")
    bob.sends(bob.within(invite, "BYE"))
    alice.answers(await alice.gets("BYE"), 200)
    await bob.gets(200)
  }, setting)
}

scenario("a sips: call over UDP is a 403, over TLS it finds nobody who is not secure", async ({ phone, registered }) => {
  await registered("bob")
  const [alice, carol] = [await phone("alice"), await phone("carol", over("TLS"))]
  alice.asks("MESSAGE", "sips:bob@example.org")
  expect((await alice.gets(403)).reason).toContain("SIPS")
  carol.asks("MESSAGE", "sips:bob@example.org")
  await carol.gets(480)
}, setting)
