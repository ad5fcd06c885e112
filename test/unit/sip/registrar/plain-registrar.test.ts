import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { P2PSipError } from "../../../../src/errors.ts"
import { readPlainRegister } from "../../../../src/sip/registrar/plain-register.ts"
import { Registrar } from "../../../../src/sip/registrar/registrar.ts"
import type { LocationService } from "../../../../src/sip/registrar/location-service.ts"
import type { RegistrarOptions } from "../../../../src/sip/registrar/registrar.ts"
import { ServedDomains } from "../../../../src/sip/registrar/served-domains.ts"
import { TransactionLayer } from "../../../../src/sip/transaction/index.ts"
import { requestBytes } from "../../../fuzz/sip-arbitraries.ts"
import { ManualRuntime, settle } from "../../../support/manual-runtime.ts"
import { MapLocation } from "../../../support/map-location.ts"
import { MemoryNetwork } from "../../../support/memory-transport.ts"
import { sharedFolder } from "../../../vectors/shared.ts"

const remote = { host: "192.0.2.4", port: 40_000 }

/** A peer's registrar behind its transaction layer; with `isShort` it has the short way. */
function setUp(isShort: boolean, options: RegistrarOptions = {}, isPrompt = false) {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork(runtime)
  const transport = network.add("UDP", "127.0.0.1")
  const layer = new TransactionLayer({ runtime, transports: [transport] })
  const location = new MapLocation()
  const prompt: LocationService = {
    update: (addressOfRecord, update) => {
      location.updates.push({ addressOfRecord, ...update })
      return update.changes.flatMap((change) => (change.kind === "bind" ? [change.binding] : []))
    },
    lookup: (addressOfRecord) => location.lookup(addressOfRecord),
  }
  const registrar = new Registrar(
    {
      runtime,
      location: isPrompt ? prompt : location,
      domains: new ServedDomains(["example.org", "example.net"], () => false),
      pathFor: (flow) => `<sip:${flow.remote.port}@holder.p2psip.invalid;transport=p2p;lr>`,
      send: (response, flow) => layer.sendStateless(response, flow),
    },
    options,
  )
  let taken = 0
  layer.onStateless((request, flow) => registrar.handle(request, flow))
  if (isShort) {
    layer.onUnparsed((bytes, flow) => {
      const isTaken = registrar.handleUnparsed(bytes, flow)
      if (isTaken) taken++
      return isTaken
    })
  }
  const send = async (...messages: readonly (string | Uint8Array)[]): Promise<unknown> => {
    for (const message of messages) transport.receive(typeof message === "string" ? Buffer.from(message, "latin1") : message, remote)
    await settle()
    // Nothing promises which of several that wait is answered first.
    const answers = network.sent.map(({ to, text }) => `${to} ${text}`).sort()
    const counts = ["p2psip_sip_requests_total", "p2psip_register_responses_total"].map((name) => runtime.metrics.count(name))
    return { answers, updates: location.updates, counts }
  }
  return { send, location, taken: () => taken }
}

/** Both do the same; the result is how many messages the short way took. */
async function compare(messages: readonly (string | Uint8Array)[], options?: RegistrarOptions, failure?: Error, isPrompt?: boolean): Promise<number> {
  const [short, general] = [setUp(true, options, isPrompt), setUp(false, options, isPrompt)]
  short.location.failure = general.location.failure = failure
  const done = await short.send(...messages)
  expect(done).toEqual(await general.send(...messages))
  return short.taken()
}

const lines = [
  "Via: SIP/2.0/UDP 192.0.2.4:40000;branch=z9hG4bK-1;rport",
  "Max-Forwards: 70",
  'From: "Alice" <sip:alice@example.org>;tag=a',
  "To: <sip:alice@example.org>",
  "Call-ID: 1@192.0.2.4",
  "CSeq: 1 REGISTER",
  "Contact: <sip:alice@192.0.2.4:40000;transport=udp>",
  "Expires: 3600",
  "User-Agent: Phone 1.0",
  "Supported: replaces, timer",
  "Allow: INVITE, ACK, BYE",
  "Content-Length: 0",
]

function messageOf(headers: readonly string[], start = "REGISTER sip:example.org SIP/2.0"): string {
  return `${[start, ...headers].join("\r\n")}\r\n\r\n`
}

/** Values of each header: plain ones, and some that are nearly so. */
const values: Readonly<Record<string, readonly string[]>> = {
  Via: ["SIP/2.0/UDP a.example;branch=z9hG4bKx;rport", "SIP/2.0/UDP 192.0.2.9:1;branch=z9hG4bK!;rport", "SIP/2.0/UDP A.example;branch=z9hG4bKx;rport=1", "SIP/2.0/TCP a;branch=z9hG4bK;rport"],
  From: ["<sip:b@example.net>;tag=b", "a b <sip:b@example.net>;tag=b", '"<sip:x@y>, @" <sip:b@example.net>;tag=b', "sip:b@example.net;tag=b"],
  To: ["<sip:b@example.net>", '"To <sip:x@y>" <sip:b;x=1@example.org>', "<sip:b@example.net>;tag=1", "<sip:%62@example.net>", "<sip:b@EXAMPLE.net>", "<sip:b@elsewhere.example>", "<sip:tgruu.1@example.org>"],
  "Call-ID": ["a,b;c", "<>@x", "a b"],
  CSeq: ["0 REGISTER", "999999999 REGISTER", "2147483648 REGISTER", "1 INVITE", "1  REGISTER"],
  Contact: ["<sip:b@192.0.2.5>", '"B, >" <sip:b@192.0.2.5:59999;ob;line=x>;expires=60', "<sip:b@h:05060>", "<sip:b@h>;expires=0", "<sip:b@h>;expires=30", "<sip:b@h>;q=0.5", "<sip:b@h>,<sip:c@h>", "*", "<sip:B@h;transport=>"],
  Expires: ["0", "1", "60", "7200", "7201", "999999999", "9999999999", "x"],
  "User-Agent": ["a".repeat(200), "x y", " x"],
  Supported: ["path", "gruu, 100rel", "Outbound", "x-path", "a,b"],
  Require: ["path", "unknown"],
  Path: ["<sip:p@p.example;lr>"],
  "Content-Length": ["0", "1", "00"],
  "X-Other": ["1"],
}
const header = fc.constantFrom(...Object.entries(values).flatMap(([name, list]) => list.map((value) => `${name}: ${value}`)))

/** Some of the usual lines in some order, each perhaps with another value, and perhaps one more. */
const registers = fc.tuple(fc.shuffledSubarray(lines, { minLength: 10 }), fc.array(header, { maxLength: 3 }), fc.boolean()).map(([kept, others, adds]) => {
  const nameOf = (line: string): string => line.slice(0, line.indexOf(":"))
  const replaced = kept.map((line) => (adds ? line : (others.find((other) => nameOf(other) === nameOf(line)) ?? line)))
  return messageOf([...replaced, ...others.filter((other) => adds || !kept.some((line) => nameOf(line) === nameOf(other)))])
})

/** One character more, less or other. */
const slips = fc.record({ at: fc.nat({ max: 600 }), removes: fc.nat({ max: 2 }), adds: fc.constantFrom("", " ", "\t", "\r\n", ",", ";", "<", ">", '"', "\\", "@", "\0", "\xe9", "%41", "A", "7") })

function slip(message: string, { at, removes, adds }: { readonly at: number; readonly removes: number; readonly adds: string }): string {
  return message.slice(0, at) + adds + message.slice(at + removes)
}

describe("the short way does what the general one does, byte for byte", () => {
  it("with the usual REGISTER, which it takes", async () => {
    expect(await compare([messageOf(lines)])).toBe(1)
  })

  it("where the location service answers at once, to each retransmission as well", async () => {
    expect(await compare([messageOf(lines), messageOf(lines)], {}, undefined, true)).toBe(2)
  })

  it("with each usual value in turn, most of which it takes", async () => {
    const messages = Object.entries(values).flatMap(([name, list]) => {
      return list.map((value) => messageOf([...lines.filter((line) => !line.startsWith(`${name}:`)), `${name}: ${value}`]))
    })
    const taken: number[] = []
    for (const message of messages) taken.push(await compare([message]))
    expect(taken.filter((count) => count === 1).length).toBeGreaterThan(20)
  })

  it("with all that are made of usual parts", async () => {
    await fc.assert(fc.asyncProperty(registers, async (message) => void (await compare([message]))), { numRuns: 400 })
  })

  it("with a slip anywhere in them", async () => {
    await fc.assert(fc.asyncProperty(registers, slips, async (message, where) => void (await compare([slip(message, where)]))), { numRuns: 600 })
  })

  it("with one after the other, retransmissions among them", async () => {
    const cseqs = fc.array(fc.tuple(fc.nat({ max: 4 }), fc.constantFrom("0", "60", "600")), { minLength: 2, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(cseqs, async (history) => {
        const messages = history.map(([cseq, expires]) => {
          const others = lines.filter((line) => !line.startsWith("CSeq") && !line.startsWith("Expires"))
          return messageOf([...others, `CSeq: ${cseq} REGISTER`, `Expires: ${expires}`])
        })
        expect(await compare(messages)).toBeGreaterThan(0)
      }),
      { numRuns: 50 },
    )
  })

  it.each<[string, Error]>([
    ["an old CSeq", new P2PSipError("P2PSIP_OUT_OF_ORDER", "older")],
    ["too many bindings", new P2PSipError("P2PSIP_TOO_MANY_VALUES", "too many")],
    ["a location service that is away", new P2PSipError("P2PSIP_TIMEOUT", "away")],
  ])("with %s", async (_, failure) => {
    expect(await compare([messageOf(lines)], {}, failure)).toBe(1)
  })

  it("where a domain has times of its own, and where none may wait", async () => {
    expect(await compare([messageOf(lines)], { byDomain: { "example.org": { maxExpiresSeconds: 600 } } })).toBe(1)
    expect(await compare([messageOf(lines)], { byDomain: { "example.org": { minExpiresSeconds: 3601 } } })).toBe(1)
    expect(await compare([messageOf(lines)], { maxPending: 0 })).toBe(0)
  })

  it("with anything that is SIP", async () => {
    await fc.assert(fc.asyncProperty(requestBytes, async (bytes) => void (await compare([bytes]))), { numRuns: 200 })
  })

  const folder = sharedFolder("torture/rfc4475")
  it.skipIf(folder === undefined)("with the messages of RFC 4475", async () => {
    for (const file of readdirSync(folder ?? "").filter((name) => name.endsWith(".dat"))) await compare([readFileSync(join(folder ?? "", file))])
  })
})

describe("a plain REGISTER", () => {
  it("is read in time proportional to its length", () => {
    const long = `${"a ".repeat(400)}\r\n`
    for (const name of ["User-Agent", "Supported", "Allow", "Call-ID", "From", "Contact"]) {
      expect(readPlainRegister(messageOf([...lines.filter((line) => !line.startsWith(`${name}:`)), `${name}: ${long}`]))).toBeUndefined()
    }
  })

  it("is no longer than what may be kept of it", () => {
    const agent = (length: number): string => messageOf([...lines.filter((line) => !line.startsWith("User-Agent")), `User-Agent: ${"x".repeat(length)}`])
    expect(readPlainRegister(agent(100))?.userAgent).toBe("x".repeat(100))
    expect(readPlainRegister(agent(1000))).toBeUndefined()
  })
})
