/** Session descriptions between phones at two peers that relay media. Packets are in `test/unit/media`, and on real links in `test/mesh`. */
import { expect } from "vitest"
import type { PeerConfigInput } from "../../src/peer/config.ts"
import type { SipMessage } from "../../src/sip/message/index.ts"
import { describing } from "./messages.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const config = { mediaRelay: { ports: "40000-40007" } }

function session(port: number): string {
  return `v=0\r\no=- 1 1 IN IP4 10.9.8.7\r\ns=-\r\nc=IN IP4 10.9.8.7\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`
}

/** Where media is to go: the last address, and the ports. */
function placesIn(message: SipMessage): readonly [string | undefined, ...number[]] {
  const text = Buffer.from(message.body).toString("latin1")
  expect(text).not.toContain("p2psip")
  const addresses = [...text.matchAll(/^c=IN IP4 (\S+)/gm)].map(([, address]) => address)
  return [addresses.at(-1), ...[...text.matchAll(/^m=\S+ (\d+)/gm)].map(([, port]) => Number(port))]
}

const [relayed, direct] = [["127.0.0.1", 40_000], ["10.9.8.7", 7000]] as const

/** Bob is at another peer than Alice. */
async function cast({ stage, phone, registered }: Scene, configOfBob: PeerConfigInput = config): Promise<[Phone, Phone]> {
  const second = await stage.addPeer(configOfBob)
  return [await phone("alice"), await registered("bob", { peer: second })]
}

function offers(phone: Phone, request: ReturnType<Phone["request"]>, port: number): ReturnType<Phone["request"]> {
  return phone.sends(describing(request, session(port)))
}

async function hangUp(alice: Phone, bob: Phone, ok: SipMessage): Promise<void> {
  alice.sends(alice.within(ok, "BYE"))
  bob.answers(await bob.gets("BYE"), 200)
  await alice.gets(200)
}

function freePorts({ stage }: Scene): (number | undefined)[] {
  return stage.peers.map(({ ports }) => ports?.free)
}

scenario("offer in the INVITE, answer in 183 and 200: both phones are led to the peer beside them", async (scene) => {
  const [alice, bob] = await cast(scene)
  offers(alice, alice.request("INVITE", bob.uri), 7000)
  const invite = await bob.gets("INVITE")
  expect(placesIn(invite)).toEqual(relayed)
  bob.answers(invite, 183, {}, session(8000))
  expect(placesIn(await alice.gets(183))).toEqual(relayed)
  bob.answers(invite, 200, {}, session(8000))
  const ok = await alice.gets(200)
  expect(placesIn(ok)).toEqual(relayed)
  expect(freePorts(scene)).toEqual([3, 3])
  alice.acks(ok)
  await bob.gets("ACK")
  await hangUp(alice, bob, ok)
  expect(freePorts(scene)).toEqual([4, 4])
}, { config })

scenario("offer in the 200, answer in the ACK", async (scene) => {
  const [alice, bob] = await cast(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200, {}, session(8000))
  const ok = await alice.gets(200)
  expect(placesIn(ok)).toEqual(relayed)
  alice.sends(describing(alice.within(ok, "ACK"), session(7000)))
  expect(placesIn(await bob.gets("ACK"))).toEqual(relayed)
  await hangUp(alice, bob, ok)
}, { config })

scenario("a re-INVITE keeps the ports", async (scene) => {
  const [alice, bob] = await cast(scene)
  offers(alice, alice.request("INVITE", bob.uri), 7000)
  bob.answers(await bob.gets("INVITE"), 200, {}, session(8000))
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  offers(alice, alice.within(ok, "INVITE"), 7002)
  const again = await bob.gets("INVITE")
  expect(placesIn(again)).toEqual(relayed)
  bob.answers(again, 488)
  await alice.gets(488)
  expect(freePorts(scene)).toEqual([3, 3])
  await hangUp(alice, bob, ok)
}, { config })

scenario("a call that is declined gives its ports back", async (scene) => {
  const [alice, bob] = await cast(scene)
  offers(alice, alice.request("INVITE", bob.uri), 7000)
  const invite = await bob.gets("INVITE")
  expect(freePorts(scene)).toEqual([4, 3])
  bob.answers(invite, 486)
  await alice.gets(486)
  expect(freePorts(scene)).toEqual([4, 4])
}, { config })

scenario("a phone that does not answer holds no ports", async (scene) => {
  const [alice, bob] = await cast(scene)
  offers(alice, alice.request("INVITE", bob.uri), 7000)
  await bob.gets("INVITE")
  await scene.pass(33_000)
  await alice.gets(408)
  expect(freePorts(scene)).toEqual([4, 4])
}, { config })

for (const [what, configs] of [["only the caller's peer relays", [config, {}]], ["only the callee's peer does", [{}, config]], ["none does", [{}, {}]]] as const) {
  scenario(`${what}: phones are led to each other`, async (scene) => {
    const [alice, bob] = await cast(scene, configs[1])
    offers(alice, alice.request("INVITE", bob.uri), 7000)
    const invite = await bob.gets("INVITE")
    const text = Buffer.from(invite.body).toString()
    expect(text.replace(/^a=x-p2psip.*\r\n/m, "")).toBe(session(7000))
    bob.answers(invite, 200, {}, session(8000))
    const ok = await alice.gets(200)
    expect(Buffer.from(ok.body).toString().replace(/^a=x-p2psip.*\r\n/m, "")).toBe(session(8000))
    alice.acks(ok)
    await bob.gets("ACK")
    await hangUp(alice, bob, ok)
  }, { config: configs[0] })
}

scenario("phones at one peer are led to each other", async (scene) => {
  const [alice, bob] = [await scene.phone("alice"), await scene.registered("bob")]
  offers(alice, alice.request("INVITE", bob.uri), 7000)
  const invite = await bob.gets("INVITE")
  expect(placesIn(invite)).toEqual(direct)
  bob.answers(invite, 486)
  await alice.gets(486)
}, { config })
