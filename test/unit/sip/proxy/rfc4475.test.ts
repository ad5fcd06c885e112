import { readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeEach, describe, expect, it } from "vitest"
import { parseMessage, SipRequest, SipResponse } from "../../../../src/sip/message/index.ts"
import { digestFor } from "../../../support/digest.ts"
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

/** Played at a peer that asks for passwords. */
const needsUsers: ReadonlySet<string> = new Set(["regaut01"])

beforeEach(() => setUp(false))

function setUp(hasUsers: boolean): void {
  world = new World()
  const users = [{ username: "j.user", password: "secret" }]
  const authenticator = hasUsers ? { authenticator: digestFor(world.runtime, users, { domains }) } : {}
  const peer = world.addPeer(1, { domains, ...authenticator })
  callee = world.addPhone("callee", "192.0.2.200", peer)
}

/** What a peer does with the message: the status and reason that it answers, the methods that the callee gets. */
async function play(name: string): Promise<{ answers: string[]; forwarded: string[] }> {
  if (needsUsers.has(name)) setUp(true)
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

/** What a peer does with each message: passes it on, answers it, drops it. Where a section leaves a choice, ours. */
const outcomes: Readonly<Record<string, string>> = {
  // 3.1.1 valid messages
  wsinv: "passes INVITE on",
  intmeth: "passes !interesting-Method0123456789_*+`.%indeed'~ on",
  esc01: "passes INVITE on",
  escnull: "answers 200 OK",
  // Not a REGISTER, although it looks like one.
  esc02: "answers 501 Not Implemented",
  lwsdisp: "passes OPTIONS on",
  longreq: "passes INVITE on",
  dblreq: "answers 200 OK",
  semiuri: "passes OPTIONS on",
  transports: "passes OPTIONS on",
  mpart01: "passes MESSAGE on",
  // Responses to requests that nobody has sent (RFC 6026 §8.7).
  unreason: "drops it",
  noreason: "drops it",
  // 3.1.2 invalid messages
  badinv01: "answers 400 Empty parameter in Via",
  clerr: "answers 400 Body shorter than Content-Length",
  ncl: "answers 400 Malformed Content-Length",
  scalar02: "answers 400 CSeq number above 2**31-1",
  scalarlg: "drops it",
  quotbal: "answers 400 Unterminated quoted string in To",
  ltgtruri: "answers 400 Malformed Request-Line: Request-URI",
  lwsruri: "answers 400 Malformed Request-Line: Request-URI",
  lwsstart: "answers 400 Malformed Request-Line: Request-URI",
  trws: "answers 400 Malformed Request-Line: Request-URI",
  escruri: "answers 400 Headers in Request-URI",
  // Nothing here needs the date.
  baddate: "passes INVITE on",
  regbadct: "answers 400 URI without <> in Contact",
  badaspec: "answers 400 Malformed URI in To",
  baddn: "answers 400 Incomplete header section",
  badvers: "answers 505 Version Not Supported",
  mismatch01: "answers 400 CSeq method does not match request method",
  mismatch02: "answers 501 Not Implemented",
  bigcode: "drops it",
  // 3.2 transaction layer
  badbranch: "answers 400 Via branch without identifier",
  // 3.3 application layer
  insuf: "answers 400 Missing From",
  unkscm: "answers 416 Unsupported URI Scheme",
  novelsc: "answers 416 Unsupported URI Scheme",
  unksm2: "answers 400 To Is Not A SIP URI",
  bext01: "answers 420 Bad Extension",
  invut: "passes INVITE on",
  regaut01: "answers 401 Unauthorized",
  multi01: "answers 400 CSeq given twice",
  mcl01: "answers 400 Content-Length given twice",
  bcast: "drops it",
  zeromf: "answers 483 Too Many Hops",
  cparam01: "answers 200 OK",
  cparam02: "answers 200 OK",
  regescrt: "answers 200 OK",
  // A body in what the caller accepts is the callee's business.
  sdp01: "passes INVITE on",
  // 3.4 RFC 2543
  inv2543: "passes INVITE on",
  // Beside the RFC's messages: no Via to answer to.
  test: "drops it",
}

/** Where a peer does otherwise, and why. One that comes to do as the section asks must leave this list. */
const exceptions: Readonly<Record<string, readonly [found: string, reason: string]>> = {
  mpart01: ["answers 403 Not A Relay: Route To Others", "its Route leads to a proxy of other people, and its sender is not a user who has proved it"],
}

describe.skipIf(folder === undefined)("RFC 4475 at a peer (skipped where shared/torture/rfc4475 is absent; P2PSIP_SHARED names shared)", () => {
  it("has an outcome for every message", () => {
    expect(Object.keys(outcomes)).toEqual(Object.keys(rfc4475))
  })

  for (const [name, outcome] of Object.entries(outcomes)) {
    const [found, reason] = exceptions[name] ?? []
    it(found === undefined ? `${name}: the peer ${outcome}` : `${name}: the peer ${found}: ${reason}`, async () => {
      const { answers, forwarded } = await play(name)
      const seen = [...forwarded.map((method) => `passes ${method} on`), ...answers.map((answer) => `answers ${answer}`)]
      const verdict = seen.length === 0 ? "drops it" : seen.join(" and ")
      expect(verdict).toBe(found ?? outcome)
      expect(exceptions[name]?.[0]).not.toBe(outcome)
    })
  }

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
