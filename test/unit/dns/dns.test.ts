import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { CachingDns, DnsClient, parseDnsServer, serversIn } from "../../../src/dns/index.ts"
import { TestDnsServer } from "../../support/dns-server.ts"
import { SocketRuntime } from "../../support/socket-runtime.ts"

let runtime: SocketRuntime
let server: TestDnsServer
let dns: CachingDns

beforeEach(async () => {
  runtime = new SocketRuntime()
  server = new TestDnsServer()
  await server.start()
  dns = dnsOf([server.port])
})
afterEach(() => server.stop())

function dnsOf(ports: readonly number[], maxEntries?: number): CachingDns {
  const servers = ports.map((port) => ({ host: "127.0.0.1", port }))
  const client = new DnsClient({ runtime }, { servers })
  return new CachingDns({ runtime, client }, maxEntries === undefined ? {} : { maxEntries })
}

describe("answers", () => {
  it("of each type", async () => {
    const srv = { priority: 1, weight: 2, port: 5070, target: "one.test" }
    const naptr = { order: 1, preference: 2, flags: "s", service: "SIP+D2U", regexp: "", replacement: "_sip._udp.test" }
    server.zone = { test: { A: ["192.0.2.1", "192.0.2.2"], AAAA: ["2001:db8::1"], SRV: [srv], NAPTR: [naptr] } }
    expect(await dns.resolve("test", "A")).toEqual(["192.0.2.1", "192.0.2.2"])
    expect(await dns.resolve("TEST.", "AAAA")).toEqual(["2001:db8::1"])
    expect(await dns.resolve("test", "SRV")).toEqual([srv])
    expect(await dns.resolve("test", "NAPTR")).toEqual([naptr])
  })

  it("through an alias, and nothing where aliases go in a circle", async () => {
    server.zone = { "sip.test": { CNAME: "one.test" }, "one.test": { A: ["192.0.2.1"] } }
    expect(await dns.resolve("sip.test", "A")).toEqual(["192.0.2.1"])
  })

  it("are none where there is no such name, and for what cannot be a name", async () => {
    expect(await dns.resolve("nothing.test", "A")).toEqual([])
    expect(await dns.resolve("not a name", "A")).toEqual([])
    expect(await dns.resolve(`${"x".repeat(64)}.test`, "A")).toEqual([])
    expect(server.questions).toEqual(["A nothing.test"])
  })

  it("that are cut short are asked for again over TCP", async () => {
    server.zone = { test: { A: ["192.0.2.1"] } }
    server.mood = "truncating"
    expect(await dns.resolve("test", "A")).toEqual(["192.0.2.1"])
    expect(server.questions).toEqual(["A test", "A test over TCP"])
  })

  it("from somebody who guesses the id are not believed, and the question goes by TCP", async () => {
    server.zone = { test: { A: ["192.0.2.1"] } }
    server.mood = "liar"
    expect(await dns.resolve("test", "A")).toEqual(["192.0.2.1"])
    expect(server.questions).toEqual(["A test", "A test over TCP"])
  })
})

describe("servers", () => {
  it("that fail or are not there make way for the next one", async () => {
    const failing = new TestDnsServer()
    failing.mood = "failing"
    await failing.start()
    server.zone = { test: { A: ["192.0.2.1"] } }
    // Nobody listens at port 1.
    expect(await dnsOf([1, failing.port, server.port]).resolve("test", "A")).toEqual(["192.0.2.1"])
    await failing.stop()
  })

  it("that say nothing are given up after two rounds, and the question is not asked again for five seconds", async () => {
    server.mood = "silent"
    const failure = expect(dns.resolve("test", "A")).rejects.toMatchObject({ code: "P2PSIP_TIMEOUT" })
    await runtime.advanceAsync(1500)
    await runtime.advanceAsync(3000)
    await failure
    server.mood = "well"
    server.zone = { test: { A: ["192.0.2.1"] } }
    await expect(dns.resolve("test", "A")).rejects.toMatchObject({ code: "P2PSIP_TIMEOUT" })
    runtime.advance(5000)
    expect(await dns.resolve("test", "A")).toEqual(["192.0.2.1"])
  })
})

describe("memory", () => {
  it("lasts as long as the answer says", async () => {
    server.zone = { test: { A: ["192.0.2.1"], ttlSeconds: 30 } }
    await dns.resolve("test", "A")
    runtime.advance(29_999)
    await dns.resolve("test", "A")
    expect(server.questions).toHaveLength(1)
    runtime.advance(1)
    await dns.resolve("test", "A")
    expect(server.questions).toHaveLength(2)
  })

  it.each([
    ["as long as the SOA says", 20, 20],
    ["five minutes at most", 3600, 300],
    ["five seconds without one", undefined, 5],
  ])("of a no lasts %s", async (_, soaSeconds, holdsSeconds) => {
    server.negativeTtlSeconds = soaSeconds
    await dns.resolve("test", "A")
    runtime.advance(holdsSeconds * 1000 - 1)
    expect(await dns.resolve("test", "A")).toEqual([])
    expect(server.questions).toHaveLength(1)
    runtime.advance(1)
    await dns.resolve("test", "A")
    expect(server.questions).toHaveLength(2)
  })

  it("asks once what many ask at a time", async () => {
    server.zone = { test: { A: ["192.0.2.1"] } }
    await Promise.all(Array.from({ length: 20 }, () => dns.resolve("test", "A")))
    expect(server.questions).toHaveLength(1)
  })

  it("is bounded: what was not asked for longest goes", async () => {
    dns = dnsOf([server.port], 2)
    for (const name of ["a.test", "b.test", "a.test", "c.test"]) await dns.resolve(name, "A")
    expect(runtime.metrics.read("p2psip_dns_cache_entries")).toBe(2)
    await dns.resolve("a.test", "A")
    await dns.resolve("b.test", "A")
    expect(server.questions).toEqual(["A a.test", "A b.test", "A c.test", "A b.test"])
  })
})

describe("server addresses", () => {
  it.each([
    ["192.0.2.53", { host: "192.0.2.53", port: 53 }],
    ["192.0.2.53:5353", { host: "192.0.2.53", port: 5353 }],
    ["2001:db8::53", { host: "2001:db8::53", port: 53 }],
    ["[2001:db8::53]:5353", { host: "2001:db8::53", port: 5353 }],
    ["dns.example.org", undefined],
    ["192.0.2.53:0", undefined],
    ["", undefined],
  ])("%s", (text, server) => expect(parseDnsServer(text)).toEqual(server))

  it("come from resolv.conf, three at most, and from this machine where it names none", () => {
    const text = "# ours\nnameserver 192.0.2.1\nsearch example.org\n nameserver\t2001:db8::1 \nnameserver nonsense\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
    expect(serversIn(text).map(({ host }) => host)).toEqual(["192.0.2.1", "2001:db8::1", "192.0.2.3"])
    expect(serversIn("options edns0")).toEqual([{ host: "127.0.0.1", port: 53 }])
  })
})
