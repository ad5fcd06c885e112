import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { flagOf, loadConfig, variableOf } from "../../../src/peer/config-sources.ts"
import { parseConfig, redact } from "../../../src/peer/config.ts"
import { withoutComments } from "../../../src/peer/jsonc.ts"
import { isLoopback, parseSipListener } from "../../../src/peer/sip-address.ts"

let folder = ""
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "p2psip-config-"))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(text: string): Promise<string> {
  const path = join(folder, "config.json")
  await writeFile(path, text)
  return path
}

test("everything has a default", () => {
  expect(parseConfig({})).toMatchObject({
    domains: ["localhost"],
    backend: "chord",
    sip: ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"],
    registration: { minExpiresSeconds: 60 },
    limits: { maxFrameBytes: 262_144 },
  })
})

describe("an error names key, expected and found, in one line", () => {
  test.each([
    [{ domain: ["x"] }, "domain: expected a key that is known (p2psip config print shows them), found one that is not"],
    [{ digestAlgorithms: ["MD5", "SHA-1"] }, 'digestAlgorithms[1]: expected one of SHA-512-256, SHA-256, MD5, found "SHA-1"'],
    [{ calls: { maxRingingSeconds: 180 } }, "calls.maxRingingSeconds: expected a whole number from 181 to 86400, found 180"],
    [{ domains: "x" }, 'domains: expected a list of domain names, found "x"'],
    [{ domains: [] }, "domains: expected at least one domain name, found []"],
    [{ domains: ["a", "b c"] }, 'domains[1]: expected a domain name, found "b c"'],
    [{ listen: ["127.0.0.1:4001"] }, 'listen[0]: expected a multiaddr such as /ip4/192.0.2.1/tcp/4001, found "127.0.0.1:4001"'],
    [{ http: "8080" }, 'http: expected HOST:PORT, found "8080"'],
    [{ limits: { maxConnections: 0 } }, "limits.maxConnections: expected a whole number from 1 to 100000, found 0"],
    [{ replication: 2.5 }, "replication: expected a whole number from 1 to 32, found 2.5"],
    [{ replication: 2, acks: 3 }, "acks: expected at most the number of copies (replication), 2, found 3"],
    [{ logLevel: "loud" }, 'logLevel: expected one of debug, info, warn, error, silent, found "loud"'],
    [{ sip: ["sctp:127.0.0.1:5060"] }, 'sip[0]: expected TRANSPORT:ADDRESS:PORT with udp, tcp, tls, ws or wss'],
    [{ sip: ["tls:127.0.0.1:5061"] }, "tls: expected a certificate and its key (--tls-certificate, --tls-key), found none, and the listener tls:127.0.0.1:5061"],
    [{ tls: { certificate: "sip.pem" } }, "tls.key: expected the path of a PEM file with the certificate's private key, found nothing"],
    [{ tls: "sip.pem" }, 'tls: expected an object such as {"certificate"'],
    [{ webOrigins: ["phone.example.org"] }, 'webOrigins[0]: expected the Origin of web pages, such as https://phone.example.org, found "phone.example.org"'],
    [{ webOrigins: ["https://phone.example.org/call"] }, "webOrigins[0]: expected the Origin of web pages"],
    [{ dns: { servers: ["dns.example.org"] } }, 'dns.servers[0]: expected an IP address such as 192.0.2.53 or [2001:db8::53]:5353, found "dns.example.org"'],
    [{ dns: { servers: [] } }, "dns.servers: expected at least one IP address, found []"],
    [{ gateways: [{ domain: "x", to: ["gw.example.net"] }] }, 'gateways[0].to[0]: expected a SIP URI such as sip:gw.example.net;transport=tcp, found "gw.example.net"'],
    [{ gateways: [{ domain: "x", to: [] }] }, "gateways[0].to: expected at least one SIP URI, found []"],
    [{ domains: ["Here"], gateways: [{ domain: "here", to: ["sip:gw"] }] }, "gateways[0].prefix: expected the first characters of numbers that go there"],
    [{ registration: { minExpiresSeconds: 600, maxExpiresSeconds: 60 } }, "registration.minExpiresSeconds: expected at most maxExpiresSeconds, 60, found 600"],
    [{ registration: { defaultExpiresSeconds: 59 } }, "registration.defaultExpiresSeconds: expected at least minExpiresSeconds, 60, found 59"],
    [{ registration: { byDomain: { localhost: { minExpiresSeconds: 1800, maxExpiresSeconds: 900 } } } }, "registration.byDomain.localhost.minExpiresSeconds: expected at most maxExpiresSeconds, 900, found 1800"],
    [{ registration: { minExpiresSeconds: 300, byDomain: { localhost: { defaultExpiresSeconds: 200 } } } }, "registration.byDomain.localhost.defaultExpiresSeconds: expected at least minExpiresSeconds, 300, found 200"],
    [{ http: ":0" }, 'http: expected HOST:PORT, found ":0"'],
    [{ sip: ["udp:[::1]:5060;advertise=2001:db8::5"] }, "sip[0]: expected TRANSPORT:ADDRESS:PORT"],
    [{ calls: { relayFor: "friends" } }, 'calls.relayFor: expected users, nobody or everybody, found "friends"'],
    [{ mediaRelay: {} }, "mediaRelay.ports: expected a range of UDP ports such as 40000-40099, found nothing"],
    [{ mediaRelay: { ports: "40001-40002" } }, 'mediaRelay.ports: expected a range of UDP ports such as 40000-40099, found "40001-40002"'],
    [{ mediaRelay: { ports: "40000-40099", address: "localhost" } }, 'mediaRelay.address: expected an IP address of this machine, found "localhost"'],
    [{ openRegistration: 1 }, "openRegistration: expected true or false, found 1"],
    [{ backendOptions: [] }, "backendOptions: expected an object, found []"],
    [[], "configuration: expected"],
  ])("%j", (input, message) => {
    expect(() => parseConfig(input)).toThrow(expect.objectContaining({ code: "P2PSIP_BAD_CONFIG", message: expect.stringContaining(message) as string }))
  })

  test("whatever is wrong, the message is one line", () => {
    fc.assert(fc.property(fc.dictionary(fc.constantFrom("domains", "sip", "users", "limits", "http", "x"), fc.jsonValue()), (input) => {
      try {
        parseConfig(input)
      } catch (error) {
        expect(error).toMatchObject({ code: "P2PSIP_BAD_CONFIG", message: expect.stringMatching(/^[^\n]+$/) as string })
      }
    }))
  })
})

describe("secrets", () => {
  const secret = "correct horse battery"
  const config = { httpToken: secret, mesh: { interfaces: ["lo"], secret }, users: [{ username: "alice", password: secret }, { username: "bob", ha1: { MD5: "0".repeat(32) } }] }

  test("are hidden where the configuration is shown", () => {
    const shown = JSON.stringify([redact(parseConfig(config)), redact(parseConfig({ secret }))])
    expect(shown).toContain("alice")
    expect(shown).not.toContain(secret)
    expect(shown).not.toContain("0".repeat(32))
  })

  test("are not quoted by errors", () => {
    for (const input of [{ secret: "hunter2" }, { httpToken: ["hunter2hunter2"] }, { users: [{ username: "alice", password: { is: "hunter2" } }] }, { users: [{ password: "hunter2" }] }]) {
      expect(() => parseConfig(input)).toThrow(expect.objectContaining({ message: expect.not.stringContaining("hunter2") as string }))
    }
  })
})

test("a mesh has its secret elsewhere", () => {
  expect(() => parseConfig({ mesh: { interfaces: ["lo"] }, secret: "correct horse battery" })).toThrow(/^secret: expected mesh.secret, .*, found one of its own$/)
})

describe("open registration", () => {
  test.each([
    [{ sip: ["udp:127.0.0.1:5060", "tcp:[::1]:5060"] }, true],
    [{ sip: ["udp:127.0.0.1:5060", "udp:0.0.0.0:5060"] }, false],
    [{ sip: ["udp:0.0.0.0:5060"], openRegistration: true }, true],
    [{ sip: ["udp:0.0.0.0:5060"], users: [{ username: "alice", password: "x" }] }, true],
  ])("%j: allowed %s", (input, isAllowed) => {
    const check = expect(() => parseConfig(input))
    if (isAllowed) check.not.toThrow()
    else check.toThrow(/users: expected users, overlayUsers, or openRegistration/)
  })
})

describe("sources", () => {
  test("flags beat the environment, which beats the file, which beats the defaults", async () => {
    const config = await loadConfig({
      file: await file('{ "domains": ["file"], "backend": "file", "realm": "file" }'),
      environment: { P2PSIP_DOMAINS: "environment,second", P2PSIP_BACKEND: "environment", PATH: "/bin" },
      flags: { domains: ["flag"] },
    })
    expect(config).toMatchObject({ domains: ["flag"], backend: "environment", realm: "file", logLevel: "info" })
  })

  test("an error tells where the value comes from", async () => {
    const environment = { P2PSIP_CONFIG: await file('{ "http": "x" }'), P2PSIP_LOG_LEVEL: "loud" }
    await expect(loadConfig({ environment: { P2PSIP_LOG_LEVEL: "loud" } })).rejects.toThrow(/logLevel: .* \(from P2PSIP_LOG_LEVEL\)/)
    await expect(loadConfig({ environment, flags: { logLevel: "info" } })).rejects.toThrow(/http: .* \(from .*config\.json\)/)
    await expect(loadConfig({ flags: { domains: ["a b"] } })).rejects.toThrow(/domains\[0\]: .* \(from --domain\)/)
  })

  test("variables hold texts, lists with commas, and JSON", async () => {
    const environment = { P2PSIP_SIP: "udp:127.0.0.1:1, tcp:127.0.0.1:2", P2PSIP_ACKS: "1", P2PSIP_USERS: '[{"username":"a","password":"b"}]' }
    expect(await loadConfig({ environment })).toMatchObject({ sip: ["udp:127.0.0.1:1", "tcp:127.0.0.1:2"], acks: 1, users: [{ username: "a" }] })
    await expect(loadConfig({ environment: { P2PSIP_USERS: "alice:hunter2" } })).rejects.toThrow(/^P2PSIP_USERS: expected JSON, found something else$/)
  })

  test("an unknown variable is a misspelt one", async () => {
    await expect(loadConfig({ environment: { P2PSIP_ACKS: "two" } })).rejects.toThrow(/^acks: expected a whole number from 1 to 32, found "two" \(from P2PSIP_ACKS\)$/)
    await expect(loadConfig({ environment: { P2PSIP_PASSWORD: "of a user" } })).resolves.toBeDefined()
    await expect(loadConfig({ environment: { P2PSIP_DOMAIN: "x" } })).rejects.toThrow(/^P2PSIP_DOMAIN: expected .*P2PSIP_DOMAINS.*, found an unknown variable$/)
    // Set by Kubernetes for every container next to a service of that name.
    const kubernetes = { P2PSIP_SERVICE_HOST: "10.0.0.1", P2PSIP_SERVICE_PORT_HTTP: "80", P2PSIP_PORT: "tcp://10.0.0.1:80", P2PSIP_PORT_80_TCP_ADDR: "10.0.0.1" }
    expect(await loadConfig({ environment: kubernetes })).toMatchObject({ domains: ["localhost"] })
  })

  test("a file that is no JSON is quoted by line, not by content", async () => {
    await expect(loadConfig({ file: await file('{\n  "users": hunter2\n}') })).rejects.toThrow(/config\.json: expected JSON, found a mistake in line 2, column \d+$/)
    await expect(loadConfig({ file: join(folder, "none") })).rejects.toThrow(/^--config: expected a readable file/)
    await expect(loadConfig({ file: await file("[]") })).rejects.toThrow(/expected a JSON object/)
  })

  test("names of keys lead to variables and flags", () => {
    expect([variableOf("httpToken"), flagOf("logLevel"), flagOf("domains")]).toEqual(["P2PSIP_HTTP_TOKEN", "--log-level", "--domain"])
  })
})

describe("JSON with comments", () => {
  test("loses comments and trailing commas, and keeps every position", () => {
    const text = '{ // one\n "a": "/* no */ // no", /* two\n */ "b": [1, 2, ], "c": "\\"//", }'
    expect(JSON.parse(withoutComments(text))).toEqual({ a: "/* no */ // no", b: [1, 2], c: '"//' })
    expect(withoutComments(text).length).toBe(text.length)
  })

  test("plain JSON stays as it is", () => {
    fc.assert(fc.property(fc.json(), (text) => {
      expect(withoutComments(text)).toBe(text)
    }))
  })
})

describe("SIP listeners", () => {
  test.each([
    ["udp:127.0.0.1:5060", { transport: "udp", host: "127.0.0.1", port: 5060 }],
    ["tcp:[::1]:0", { transport: "tcp", host: "::1", port: 0 }],
    ["udp:localhost:5060", { transport: "udp", host: "127.0.0.1", port: 5060 }],
    ["udp:0.0.0.0:5060;advertise=sip.example.org:5070", { transport: "udp", host: "0.0.0.0", port: 5060, advertise: { host: "sip.example.org", port: 5070 } }],
    ["udp:[::]:5060;advertise=[2001:db8::5]:5070", { transport: "udp", host: "::", port: 5060, advertise: { host: "2001:db8::5", port: 5070 } }],
    ["udp:[::]:5060;advertise=[2001:db8::5]", { transport: "udp", host: "::", port: 5060, advertise: { host: "2001:db8::5", port: 0 } }],
  ])("%s", (text, listener) => {
    expect(parseSipListener(text)).toEqual(listener)
  })

  test.each(["", "udp", "udp:127.0.0.1", "sctp:127.0.0.1:5060", "udp:example.org:5060", "udp:127.0.0.1:99999", "udp:127.0.0.1:5060;advertise=", "udp:[::]:5060;advertise=2001:db8::5", "udp:[::]:5060;advertise=2001:db8::5:5060", "udp:127.0.0.1:5060;advertise=sip:example.org:5060", "udp:127.0.0.1:5060;advertise=[example.org]:5060"])("%s is none", (text) => {
    expect(parseSipListener(text)).toBeUndefined()
  })

  test("loopback is what only this machine can reach", () => {
    expect(["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"].every(isLoopback)).toBe(true)
    expect(["0.0.0.0", "::", "192.168.0.1", "127.example.org", "10.127.0.0.1"].some(isLoopback)).toBe(false)
  })
})
