import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { P2PSipError } from "../../../../src/errors.ts"
import type { Dns, RecordData, RecordType, SrvRecord } from "../../../../src/dns/index.ts"
import { SipUri } from "../../../../src/sip/message/index.ts"
import { bySrvRules, DnsTargetResolver } from "../../../../src/sip/transport/dns-target-resolver.ts"
import type { Target, TransportProtocol } from "../../../../src/sip/transport/index.ts"
import { ManualRuntime, seededRandom } from "../../../support/manual-runtime.ts"
import { MemoryNetwork } from "../../../support/memory-transport.ts"

/** What a name has; a failure where the servers cannot tell. */
type Records = { readonly [Type in RecordType]?: readonly RecordData[Type][] | P2PSipError }

const unreachable = new P2PSipError("P2PSIP_UNREACHABLE", "SERVFAIL")
const timeout = new P2PSipError("P2PSIP_TIMEOUT", "silence")

function srv(target: string, port = 5060, priority = 0, weight = 0): SrvRecord {
  return { target, port, priority, weight }
}

function naptr(service: string, replacement: string, order = 1, preference = 1, flags = "s"): RecordData["NAPTR"] {
  return { service, replacement, order, preference, flags, regexp: "" }
}

interface Found {
  readonly targets: readonly Target[]
  /** What was asked, in order. */
  readonly questions: readonly string[]
}

/** Resolves a URI with these records, at a stack that has these transports. */
async function locate(text: string, zone: Readonly<Record<string, Records>>, protocols: readonly TransportProtocol[] = ["UDP", "TCP", "TLS"], hosts = ["10.0.0.1"]): Promise<Found> {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork(runtime)
  const questions: string[] = []
  const dns: Dns = {
    async resolve<T extends RecordType>(name: string, type: T): Promise<readonly RecordData[T][]> {
      questions.push(`${type} ${name}`)
      const records: readonly RecordData[T][] | P2PSipError | undefined = zone[name]?.[type]
      if (records instanceof Error) throw records
      return records ?? []
    },
  }
  const transports = protocols.flatMap((protocol) => hosts.map((host) => network.add(protocol, host)))
  const targets = await new DnsTargetResolver({ runtime, dns, transports }).resolve(SipUri.parse(text))
  return { targets, questions }
}

/** `UDP 192.0.2.1:5060`, for short. */
async function placesOf(...question: Parameters<typeof locate>): Promise<string[]> {
  return (await locate(...question)).targets.map(({ protocol, host, port }) => `${protocol} ${host}:${port}`)
}

const one: Records = { A: ["192.0.2.1"] }
const two: Records = { A: ["192.0.2.2"] }

describe("the transport (RFC 3263 §4.1)", () => {
  const full = {
    "example.com": {
      ...one,
      NAPTR: [naptr("SIP+D2U", "udp.example.com", 2), naptr("SIPS+D2T", "tls.example.com", 1, 2), naptr("SIP+D2T", "tcp.example.com", 1, 1)],
    },
    "udp.example.com": { SRV: [srv("one.example.com")] },
    "tcp.example.com": { SRV: [srv("one.example.com", 5070)] },
    "tls.example.com": { SRV: [srv("two.example.com", 5061)] },
    "_sip._udp.example.com": { SRV: [srv("two.example.com", 5080)] },
    "_sip._tcp.example.com": { SRV: [srv("two.example.com", 5090)] },
    "one.example.com": one,
    "two.example.com": two,
  }

  it("is the domain's choice by NAPTR: order, then preference, and nothing of a later order", async () => {
    expect(await placesOf("sip:example.com", full)).toEqual(["TCP 192.0.2.1:5070", "TLS 192.0.2.2:5061"])
  })

  it("is one that this stack has, in a later order where need be", async () => {
    expect(await placesOf("sip:example.com", full, ["UDP"])).toEqual(["UDP 192.0.2.1:5060"])
  })

  it("is secure for sips, whatever else is preferred", async () => {
    expect(await placesOf("sips:example.com", full)).toEqual(["TLS 192.0.2.2:5061"])
  })

  it("is that of the URI where it names one, without NAPTR", async () => {
    const { targets, questions } = await locate("sip:example.com;transport=udp", full)
    expect(targets).toEqual([{ protocol: "UDP", host: "192.0.2.2", port: 5080 }])
    expect(questions).toEqual(["SRV _sip._udp.example.com", "A two.example.com"])
  })

  it("is UDP for a port of its own, TLS for sips, without NAPTR and SRV", async () => {
    expect(await locate("sip:example.com:5999", full)).toEqual({
      targets: [{ protocol: "UDP", host: "192.0.2.1", port: 5999 }],
      questions: ["A example.com"],
    })
    expect(await placesOf("sips:example.com:5999", full)).toEqual(["TLS 192.0.2.1:5999"])
  })

  it("is what SRV records there are for, where there is no NAPTR", async () => {
    const { "example.com": _, ...rest } = full
    expect(await placesOf("sip:example.com", rest)).toEqual(["UDP 192.0.2.2:5080", "TCP 192.0.2.2:5090"])
  })

  it("is UDP at the name itself where there is nothing but addresses, TLS for sips", async () => {
    expect(await placesOf("sip:one.example.com", full)).toEqual(["UDP 192.0.2.1:5060"])
    expect(await placesOf("sips:one.example.com", full)).toEqual(["TLS 192.0.2.1:5061"])
    expect(await placesOf("sip:one.example.com;transport=tcp", full)).toEqual(["TCP 192.0.2.1:5060"])
  })

  it("is none that nobody knows", async () => {
    expect(await placesOf("sip:example.com;transport=carrier-pigeon", full)).toEqual([])
  })

  it.each([
    ["other flags", naptr("SIP+D2U", "udp.example.com", 1, 1, "u")],
    ["another service", naptr("E2U+sip", "udp.example.com")],
    ["no replacement", naptr("SIP+D2U", "")],
  ])("is not told by a NAPTR record with %s", async (_, record) => {
    expect(await placesOf("sip:example.com", { ...full, "example.com": { NAPTR: [record] } })).toEqual(["UDP 192.0.2.2:5080", "TCP 192.0.2.2:5090"])
  })
})

describe("addresses (RFC 3263 §4.2)", () => {
  it("in the URI need no DNS", async () => {
    const { targets, questions } = await locate("sip:192.0.2.9", {})
    expect(targets).toEqual([{ protocol: "UDP", host: "192.0.2.9", port: 5060 }])
    expect(await placesOf("sip:[2001:db8::9]:5070;transport=tcp", {})).toEqual(["TCP 2001:db8::9:5070"])
    expect(questions).toEqual([])
  })

  it("are those of maddr, where there is one; TLS still wants the name in the URI", async () => {
    const { targets } = await locate("sips:example.com;maddr=one.example.com", { "one.example.com": one })
    expect(targets).toEqual([{ protocol: "TLS", host: "192.0.2.1", port: 5061, serverName: "example.com" }])
  })

  it("are asked for in the families that the transports have, IPv6 first", async () => {
    const zone = { "example.com": { A: ["192.0.2.1"], AAAA: ["2001:db8::1"] } }
    expect(await placesOf("sip:example.com:5060", zone, ["UDP"], ["10.0.0.1", "::1"])).toEqual(["UDP 2001:db8::1:5060", "UDP 192.0.2.1:5060"])
    expect(await placesOf("sip:example.com:5060", zone, ["UDP"], ["::1"])).toEqual(["UDP 2001:db8::1:5060"])
  })

  it("are none where SRV says that the service is not there", async () => {
    const zone = { "_sip._udp.example.com": { SRV: [srv("", 0)] }, "example.com": one }
    expect(await placesOf("sip:example.com;transport=udp", zone)).toEqual([])
  })

  it("are twelve at most", async () => {
    const many = Array.from({ length: 30 }, (_, i) => `192.0.2.${i}`)
    expect(await placesOf("sip:example.com:5060", { "example.com": { A: many } })).toHaveLength(12)
  })
})

describe("where the DNS fails", () => {
  it("NAPTR may fail when the rest is known", async () => {
    expect(await placesOf("sip:example.com", { "example.com": { ...one, NAPTR: unreachable } })).toEqual(["UDP 192.0.2.1:5060"])
  })

  it("what can be found out is used", async () => {
    const zone = {
      "_sip._udp.example.com": { SRV: [srv("gone.example.com"), srv("two.example.com", 5060, 1)] },
      "_sip._tcp.example.com": { SRV: timeout },
      "gone.example.com": { A: timeout },
      "two.example.com": two,
    }
    expect(await placesOf("sip:example.com", zone)).toEqual(["UDP 192.0.2.2:5060"])
  })

  it("and nothing can be found out, the failure is told", async () => {
    await expect(locate("sip:example.com", { "example.com": { NAPTR: timeout } })).rejects.toBe(timeout)
    await expect(locate("sip:example.com", { "example.com": { A: unreachable } })).rejects.toBe(unreachable)
  })
})

describe("the order of SRV records (RFC 2782)", () => {
  const record = fc.record({ priority: fc.nat(3), weight: fc.nat(100), port: fc.constant(5060), target: fc.domain() })

  it("has every record once, priorities rising", () => {
    fc.assert(fc.property(fc.array(record, { maxLength: 12 }), fc.integer(), (records, seed) => {
      const ordered = bySrvRules(records, () => seededRandom(seed).float())
      expect(ordered.toSorted(byPort)).toEqual(records.toSorted(byPort))
      expect(ordered.map(({ priority }) => priority)).toEqual(records.map(({ priority }) => priority).sort((a, b) => a - b))
    }))
  })

  it("gives each its share by weight, and weight 0 a small one", () => {
    const random = seededRandom(7)
    const firsts = new Map<string, number>()
    for (let round = 0; round < 10_000; round++) {
      const [first] = bySrvRules([srv("a", 1, 0, 60), srv("b", 1, 0, 40), srv("z", 1, 0, 0)], () => random.float())
      firsts.set(first?.target ?? "", (firsts.get(first?.target ?? "") ?? 0) + 1)
    }
    expect((firsts.get("a") ?? 0) / 10_000).toBeCloseTo(60 / 101, 1)
    expect((firsts.get("b") ?? 0) / 10_000).toBeCloseTo(40 / 101, 1)
    expect(firsts.get("z")).toBeGreaterThan(0)
  })
})

function byPort(a: SrvRecord, b: SrvRecord): number {
  return JSON.stringify(a).localeCompare(JSON.stringify(b))
}
