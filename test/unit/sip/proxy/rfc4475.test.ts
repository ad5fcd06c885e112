import { readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeEach, describe, expect, it } from "vitest"
import { parseMessage, SipRequest, SipResponse } from "../../../../src/sip/message/index.ts"
import { World } from "../../../support/sip-world.ts"
import type { Phone } from "../../../support/sip-world.ts"
import { rfc4475 } from "../../../vectors/rfc4475.ts"
import { sharedFolder } from "../../../vectors/shared.ts"

const folder = sharedFolder("torture/rfc4475")

/** Those that the messages are meant for. */
const domains = [
  "example.com",
  "example.net",
  "example.org",
  "company.com",
  "services.example.com",
  "registrar.example.com",
  "chair-dnrc.example.com",
]

let world: World
/** Has every address-of-record that is called; gets what the proxy forwards. */
let callee: Phone

beforeEach(() => {
  world = new World()
  const peer = world.addPeer(1, { domains })
  callee = world.addPhone("callee", "192.0.2.200", peer)
})

/** What a peer does with the message: the status and reason that it answers, the methods that the callee gets. */
async function play(name: string): Promise<{ answers: string[]; forwarded: string[] }> {
  const bytes = readFileSync(join(folder ?? "", `${name}.dat`))
  const peer = callee.peer
  const message = safely(() => parseMessage(bytes))
  if (message instanceof SipRequest) {
    const uri = safely(() => message.requestUri)
    if (uri?.user !== undefined) world.location.bind(`sip:${uri.decodedUser}@${uri.host}`, { contact: callee.contact })
  }
  const source = { host: "192.0.2.50", port: 5060 }
  world.network.sent.length = 0
  peer.udp.receive(bytes, source)
  // What is too long for a datagram is tried over TCP first, where nobody listens.
  await world.run(6000)
  const answers = world.network.sent
    .filter(({ from, text }) => from === "10.0.0.1:5060" && text.startsWith("SIP/2.0 "))
    .map(({ text }) => parseMessage(Buffer.from(text, "latin1")))
    .filter((response): response is SipResponse => response instanceof SipResponse && response.status > 100)
    .map(({ status, reason }) => `${status} ${reason}`)
  return { answers: [...new Set(answers)], forwarded: [...new Set(callee.summary())] }
}

function safely<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}

// RFC 4475 §3.3: what registrars and proxies owe to messages that parse.
describe.skipIf(folder === undefined)("RFC 4475 at a peer (skipped where shared/torture/rfc4475 is absent)", () => {
  it.each([
    ["unkscm", "416 Unsupported URI Scheme"],
    ["novelsc", "416 Unsupported URI Scheme"],
    ["bext01", "420 Bad Extension"],
    ["zeromf", "483 Too Many Hops"],
    ["unksm2", "404 Not Found"],
    ["cparam01", "200 OK"],
    ["cparam02", "200 OK"],
    ["regescrt", "200 OK"],
    ["regaut01", "200 OK"],
    // Not a REGISTER, although it looks like one.
    ["esc02", "405 Method Not Allowed"],
    // Has a Route that we did not give out.
    ["mpart01", "403 Not A Relay: Route To Others"],
  ])("%s is answered %s", async (name, answer) => {
    expect(await play(name)).toEqual({ answers: [answer], forwarded: [] })
  })

  it.each([
    ["wsinv", "INVITE"],
    ["intmeth", "!interesting-Method0123456789_*+`.%indeed'~"],
    ["esc01", "INVITE"],
    ["lwsdisp", "OPTIONS"],
    ["longreq", "INVITE"],
    ["semiuri", "OPTIONS"],
    ["transports", "OPTIONS"],
    ["invut", "INVITE"],
    ["sdp01", "INVITE"],
    ["baddate", "INVITE"],
  ])("%s is passed on as %s", async (name, method) => {
    expect((await play(name)).forwarded).toEqual([method])
  })

  it("escnull binds two contacts with NULs, which are not the end of anything", async () => {
    await play("escnull")
    const bindings = await world.location.lookup("sip:null-\0-null@example.com")
    expect(bindings.map(({ contact }) => contact)).toEqual(["sip:%00@host5.example.com", "sip:%00%00@host5.example.com"])
  })

  it("a contact's headers stay in the binding and out of the Request-URI", async () => {
    await play("regescrt")
    const [binding] = await world.location.lookup("sip:user@example.com")
    expect(binding?.contact).toBe("sip:user@example.com?Route=%3Csip:sip.example.com%3E")
    world.location.bind("sip:bob@example.com", { contact: `${callee.contact};method=BYE?Subject=x` })
    callee.send(callee.request("MESSAGE", "sip:bob@example.com"))
    await world.run()
    expect(callee.takeRequest("MESSAGE").uri).toBe(callee.contact)
  })

  it("every message leaves the peer at work, with nothing kept", async () => {
    for (const name of Object.keys(rfc4475)) await play(name)
    expect(world.runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(0)
    await world.run(300_000)
    expect(callee.peer.layer.size).toBe(0)
    expect(world.runtime.timersPending).toBe(0)
  })
})
