/** Calls to other people's domains over TLS: who they have to prove to be (RFC 5922, RFC 3263 §4.1). */
import { afterAll, expect } from "vitest"
import { Certificates } from "../../src/sip/transport/index.ts"
import { TestAuthority } from "../support/certificates.ts"
import { SocketRuntime } from "../support/socket-runtime.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const authority = await TestAuthority.create()
const own = { ...(await authority.issue("peer", [{ type: "ip", value: "127.0.0.1" }])), ca: authority.ca }
const certificates = new Certificates({ runtime: new SocketRuntime() }, own)
await certificates.start()
afterAll(() => {
  certificates.stop()
  authority.remove()
})

const listeners = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"]
const setting = { config: { tls: own, sip: listeners, users: [{ username: "alice", password: "secret" }] } }

/** Alice here, Carol at `carrier.test`, whose certificate is for that name. */
async function cast({ stage, dns, phone }: Scene, certifiedName: string): Promise<[alice: Phone, carol: Phone]> {
  const tls = { ...(await authority.issue(certifiedName, [{ type: "dns", value: certifiedName }, { type: "ip", value: "127.0.0.1" }])), ca: authority.ca }
  const carrier = await stage.addPeer({ domains: ["carrier.test"], sip: listeners, tls })
  const { port } = carrier.addressFor("TLS")
  dns.zone = {
    "carrier.test": { NAPTR: [{ flags: "s", service: "SIPS+D2T", replacement: "_sips._tcp.carrier.test" }] },
    // Whatever a server is called here: who it has to be says the URI.
    "_sips._tcp.carrier.test": { SRV: [{ port, target: "host.elsewhere.test" }] },
    "host.elsewhere.test": { A: ["127.0.0.1"] },
  }
  const carol = await phone("carol", { peer: carrier, protocol: "TLS", certificates })
  expect((await carol.registers({ Contact: `<${carol.contact.replace("sip:", "sips:")}>` })).status).toBe(200)
  return [await phone("alice", { password: "secret", protocol: "TLS", certificates }), carol]
}

for (const scheme of ["sip", "sips"]) {
  scenario(`a ${scheme} call goes over TLS to the server that proves to be the domain's`, async (scene) => {
    const [alice, carol] = await cast(scene, "carrier.test")
    await alice.callsWithPassword(`${scheme}:carol@carrier.test`)
    const invite = await carol.gets("INVITE")
    expect(invite.headers.getAll("Via").map((via) => via.slice(0, "SIP/2.0/TLS".length))).toEqual(Array(3).fill("SIP/2.0/TLS"))
    carol.answers(invite, 200, { Contact: `<${carol.contact.replace("sip:", `${scheme}:`)}>` })
    const ok = await alice.gets(200)
    alice.acks(ok)
    await carol.gets("ACK")
    carol.sends(carol.within(invite, "BYE"))
    alice.answers(await alice.gets("BYE"), 200)
    await carol.gets(200)
  }, setting)
}

for (const name of ["host.elsewhere.test", "sip.carrier.test"]) {
  scenario(`a server whose certificate says ${name} hears nothing, and the caller gets a 500`, async (scene) => {
    const [alice, carol] = await cast(scene, name)
    await alice.callsWithPassword("sips:carol@carrier.test")
    await alice.gets(500)
    expect(carol.inbox).toEqual([])
  }, setting)
}
