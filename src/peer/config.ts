/** The configuration of a peer: one schema for file, environment, flags and programs. */
import { isIP } from "node:net"
import { multiaddr } from "@multiformats/multiaddr"
import { z } from "zod"
import { parseDnsServer } from "../dns/index.ts"
import { P2PSipError } from "../errors.ts"
import { logLevels } from "../runtime/log.ts"
import { digestAlgorithms, hexDigits } from "../security/digest.ts"
import { SipUri } from "../sip/message/index.ts"
import { exemptByDefault, parseNetwork } from "../security/source-guard.ts"
import { parseHostPort } from "../sip/transport/host-port.ts"
import { isHostName, isLoopback, parseSipListener, sipListenerForm } from "./sip-address.ts"

// The message of each part is what was expected; what was found is added by `explain`.
const text = (expected: string, isRight: (value: string) => boolean = (value) => value !== "") =>
  z.string(expected).refine(isRight, expected)
const whole = (min: number, max: number) => {
  const expected = `a whole number from ${min} to ${max}`
  return z.int(expected).min(min, expected).max(max, expected)
}
const list = <Item extends z.ZodType>(item: Item, expected: string) => z.array(item, expected).readonly()
const yesOrNo = z.boolean("true or false")

const domain = text("a domain name", (value) => isHostName(value) || isIpLiteral(value))
const peerAddress = text("a multiaddr such as /ip4/192.0.2.1/tcp/4001", isMultiaddr)
const listener = text(sipListenerForm, (value) => parseSipListener(value) !== undefined)
const hostAndPort = text("HOST:PORT", (value) => /[^:]:0$/.test(value) || (parseHostPort(value)?.port ?? 0) > 0)

const ha1 = z.strictObject(
  Object.fromEntries(digestAlgorithms.map((algorithm) => [algorithm, text(`${hexDigits[algorithm]} hexadecimal digits`).optional()])),
  `stored hashes by algorithm (${digestAlgorithms.join(", ")})`,
)
const username = text("a user name without a colon", (value) => value !== "" && !value.includes(":"))
const user = z.union(
  [
    z.strictObject({ username, domain: domain.optional(), password: text("a password") }),
    z.strictObject({ username, domain: domain.optional(), ha1 }),
  ],
  'an object such as {"username": "alice", "password": "…"} or {"username": "alice", "ha1": {"SHA-256": "…"}}',
)

const limits = z.strictObject({
  /** Connections to other peers. */
  maxConnections: whole(1, 100_000).default(1024),
  /** The longest frame between peers. */
  maxFrameBytes: whole(65_536, 4_194_304).default(262_144),
  /** Bytes that wait for one other peer. */
  maxQueuedBytes: whole(65_536, 1_073_741_824).default(8_388_608),
  /** Peers whose addresses are remembered. */
  maxKnownPeers: whole(16, 1_000_000).default(10_000),
  /** SIP transactions at a time. */
  maxTransactions: whole(1, 10_000_000).default(200_000),
  /** REGISTERs waiting for the overlay. */
  maxPendingRegistrations: whole(1, 1_000_000).default(10_000),
  /** Subscriptions to registrations, presence and waiting messages. */
  maxSubscriptions: whole(0, 1_000_000).default(10_000),
}, "an object")

const sources = z.strictObject({
  /** SIP messages from one IPv4 address, or one /64 of IPv6, on the average and at once. */
  messagesPerSecond: whole(1, 1_000_000).default(300),
  burst: whole(1, 10_000_000).default(3000),
  /** Connections of one such source to one listener. */
  maxConnections: whole(1, 1_000_000).default(2000),
  /** Addresses and networks whose messages are not counted: other proxies, test tools. */
  exempt: list(text("an IP address or network such as 192.0.2.0/24", (value) => parseNetwork(value) !== undefined), "a list of networks")
    .default(exemptByDefault),
}, "an object")

const registration = z.strictObject({
  defaultExpiresSeconds: whole(1, 2 ** 31 - 1).default(3600),
  minExpiresSeconds: whole(1, 3600).default(60),
  maxExpiresSeconds: whole(60, 2 ** 31 - 1).default(7200),
  /** Of one address-of-record. */
  maxContacts: whole(1, 64).default(16),
  /** What a phone with Outbound is told about keep-alives; 0 for nothing. */
  flowTimerSeconds: whole(0, 86_400).default(120),
  /** How often phones behind NAT are asked whether they are there; 0 for never. */
  natKeepAliveSeconds: whole(0, 600).default(25),
  /** Users that may register for others of their domain. */
  thirdParties: list(text("a user name"), "a list of user names").default([]),
  /** Other values for single domains. */
  byDomain: z.record(z.string(), z.strictObject({
    defaultExpiresSeconds: whole(1, 2 ** 31 - 1).optional(),
    minExpiresSeconds: whole(1, 3600).optional(),
    maxExpiresSeconds: whole(60, 2 ** 31 - 1).optional(),
    maxContacts: whole(1, 64).optional(),
  }, "an object"), 'an object such as {"example.org": {"maxContacts": 2}}').default({}),
}, "an object")

const tls = z.strictObject({
  certificate: text("the path of a PEM file with the certificate"),
  key: text("the path of a PEM file with the certificate's private key"),
  ca: text("the path of a PEM file with root certificates").optional(),
}, 'an object such as {"certificate": "/etc/p2psip/sip.pem", "key": "/etc/p2psip/sip.key"}')
const webOrigin = text("the Origin of web pages, such as https://phone.example.org", isOrigin)

const dnsServer = text("an IP address such as 192.0.2.53 or [2001:db8::53]:5353", (value) => parseDnsServer(value) !== undefined)
const dns = z.strictObject({
  /** Recursive servers, asked one after the other; those of /etc/resolv.conf where none are named. */
  servers: z.array(dnsServer, "a list of IP addresses").min(1, "at least one IP address").readonly().optional(),
}, "an object")

const calls = z.strictObject({
  /** How long a phone may ring (Timer C of RFC 3261, which wants more than three minutes). */
  maxRingingSeconds: whole(181, 86_400).default(190),
  /** Whether a phone whose own peer cannot be reached is tried at the IP address in its contact; on a mesh, where that means nothing elsewhere, not. */
  directFallback: yesOrNo.optional(),
  /** How long the phones of one q may ring before those of the next lower q do. */
  ringSeconds: whole(1, 180).default(20),
  /** Contacts of a redirection (3xx) that are followed; 0 leaves them to the caller. */
  maxRedirects: whole(0, 16).default(5),
  /** Who may call other domains through this peer. With `everybody` it is an open relay. */
  relayFor: z.enum(["users", "nobody", "everybody"], "users, nobody or everybody").default("users"),
}, "an object")

const ipAddress = (expected: string) => text(expected, (value) => isIP(value) !== 0)
const mediaRelay = z.strictObject({
  /** UDP ports, two for each stream; all are opened at the start. */
  ports: text("a range of UDP ports such as 40000-40099", (value) => parsePortRange(value) !== undefined),
  /** Where they are opened: phones send there. */
  address: ipAddress("an IP address of this machine").default("127.0.0.1"),
  /** What phones are told instead. */
  advertise: ipAddress("an IP address").optional(),
}, 'an object such as {"ports": "40000-40099"}')

const gateway = z.strictObject({
  /** `*` for all domains without a gateway of their own. */
  domain: z.union([z.literal("*"), domain], 'a domain name or "*"'),
  /** How numbers begin that go there. */
  prefix: text("the first characters of a number").optional(),
  /** Where it calls from, in the name of such numbers, without being asked for a password. */
  trusted: list(text("an IP address or network such as 192.0.2.0/24", (value) => parseNetwork(value) !== undefined), "a list of networks").optional(),
  to: z.array(text("a SIP URI such as sip:gw.example.net;transport=tcp", isSipUri), "a list of SIP URIs").min(1, "at least one SIP URI").readonly(),
}, 'an object such as {"domain": "example.net", "to": ["sip:gw.example.net"]}')

/** See README.md for what each key means. */
export const configSchema = z.strictObject({
  domains: z.array(domain, "a list of domain names").min(1, "at least one domain name").readonly().default(["localhost"]),
  backend: text("the name of a backend or of an installed package").default("chord"),
  backendOptions: z.record(z.string(), z.unknown(), "an object").default({}),
  mesh: z.record(z.string(), z.unknown(), 'an object such as {"interfaces": ["eth0"]}').optional(),
  sip: list(listener, `a list of ${sipListenerForm}`).default(["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]),
  tls: tls.optional(),
  webOrigins: list(webOrigin, "a list of Origins").optional(),
  listen: list(peerAddress, "a list of multiaddrs").default(["/ip4/127.0.0.1/tcp/0"]),
  announce: list(peerAddress, "a list of multiaddrs").default([]),
  bootstrap: list(peerAddress, "a list of multiaddrs").default([]),
  secret: text("at least 16 characters", (value) => value.length >= 16).optional(),
  bootstrapSeconds: whole(0, 86_400).default(30),
  data: text("the path of a folder").optional(),
  storage: z.enum(["memory", "sqlite"], "memory or sqlite").optional(),
  http: hostAndPort.optional(),
  httpToken: text("at least 16 characters", (value) => value.length >= 16).optional(),
  users: list(user, "a list of users").default([]),
  overlayUsers: yesOrNo.default(false),
  realm: text("a text without quotation marks", (value) => value !== "" && !value.includes('"')).optional(),
  digestAlgorithms: z.array(z.enum(digestAlgorithms, `one of ${digestAlgorithms.join(", ")}`), "a list of digest algorithms")
    .min(1, "at least one digest algorithm").readonly().default(["SHA-256", "MD5"]),
  openRegistration: yesOrNo.default(false),
  replication: whole(1, 32).optional(),
  acks: whole(1, 32).optional(),
  registration: registration.prefault({}),
  calls: calls.prefault({}),
  dns: dns.prefault({}),
  gateways: list(gateway, "a list of gateways").default([]),
  mediaRelay: mediaRelay.optional(),
  logLevel: z.enum(logLevels, `one of ${logLevels.join(", ")}`).default("info"),
  limits: limits.prefault({}),
  sources: sources.prefault({}),
})

/** A checked configuration with every default filled in. */
export type PeerConfig = z.output<typeof configSchema>
/** What a user writes: every key may be left out. */
export type PeerConfigInput = DeepReadonly<z.input<typeof configSchema>>

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T

/** Keys whose values nobody may see. */
const secretKeys: ReadonlySet<string> = new Set(["secret", "httpToken", "users"])

/**
 * Checks a configuration and fills in defaults. Throws `P2PSIP_BAD_CONFIG`
 * that names the key, what was expected and what was found, in one line;
 * `sourceOf` tells where a key's value comes from.
 */
export function parseConfig(input: unknown, sourceOf: (key: string) => string | undefined = () => undefined): PeerConfig {
  const result = configSchema.safeParse(input)
  if (!result.success) throw explain(result.error, input, sourceOf)
  const config = result.data
  requireSense(config, sourceOf)
  return config
}

/** The configuration as it may be shown: secrets replaced. */
export function redact(config: PeerConfig): PeerConfig {
  return {
    ...config,
    ...(config.httpToken === undefined ? {} : { httpToken: "(hidden)" }),
    ...(config.secret === undefined ? {} : { secret: "(hidden)" }),
    ...(config.mesh?.["secret"] === undefined ? {} : { mesh: { ...config.mesh, secret: "(hidden)" } }),
    users: config.users.map(({ username }) => ({ username, password: "(hidden)" })),
  }
}

/** A zod error as one line of ours; keys are below `parent` where one is given. */
export function explain(
  error: z.ZodError,
  input: unknown,
  sourceOf: (key: string) => string | undefined,
  parent?: string,
): P2PSipError {
  const [issue] = error.issues
  if (issue === undefined) return new P2PSipError("P2PSIP_BAD_CONFIG", "configuration: expected something else")
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined
  const path = unknown === undefined ? issue.path : [...issue.path, unknown]
  const names = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("")
  const key = parent === undefined ? names.slice(1) : parent + names
  const top = String(path[0] ?? "")
  const source = sourceOf(top)
  const known = parent === undefined ? "a key that is known (p2psip config print shows them)" : "an option that the backend knows"
  if (unknown !== undefined) return badConfig(key, known, "one that is not", source)
  const expected = issue.message
  const found = path.some((part) => secretKeys.has(String(part))) ? "something else (not shown)" : show(valueAt(input, path))
  return badConfig(key === "" ? "configuration" : key, expected, found, source)
}

function badConfig(key: string, expected: string, found: string, source: string | undefined): P2PSipError {
  const where = source === undefined ? "" : ` (${source})`
  return new P2PSipError("P2PSIP_BAD_CONFIG", `${key}: expected ${expected}, found ${found}${where}`)
}

/** What no single key can be blamed for. */
function requireSense(config: PeerConfig, sourceOf: (key: string) => string | undefined): void {
  const { byDomain, ...usual } = config.registration
  requireExpirySense("registration", usual, usual, sourceOf)
  for (const [domain, other] of Object.entries(byDomain)) requireExpirySense(`registration.byDomain.${domain}`, other, usual, sourceOf)
  const served = new Set(config.domains.map((domain) => domain.toLowerCase()))
  const foreign = Object.keys(config.registration.byDomain).find((domain) => !served.has(domain.toLowerCase()))
  if (foreign !== undefined) {
    throw badConfig("registration.byDomain", `domains of this peer (${config.domains.join(", ")})`, foreign, sourceOf("registration"))
  }
  if (config.acks !== undefined && config.acks > (config.replication ?? 3)) {
    throw badConfig("acks", `at most the number of copies (replication), ${config.replication ?? 3}`, `${config.acks}`, sourceOf("acks"))
  }
  if (config.mesh !== undefined && config.secret !== undefined) {
    throw badConfig("secret", "mesh.secret, as the peers of a mesh have no other connections", "one of its own", sourceOf("secret"))
  }
  const secured = config.sip.find((text) => /^(tls|wss):/.test(text))
  if (secured !== undefined && config.tls === undefined) {
    throw badConfig("tls", "a certificate and its key (--tls-certificate, --tls-key)", `none, and the listener ${secured}`, sourceOf("sip"))
  }
  const aimless = config.gateways.findIndex(({ domain, prefix }) => prefix === undefined && isServed(domain, config))
  if (aimless !== -1) {
    throw badConfig(`gateways[${aimless}].prefix`, "the first characters of numbers that go there, as the domain is served here", "none", sourceOf("gateways"))
  }
  const needless = config.gateways.findIndex(({ domain, trusted }) => trusted !== undefined && !isServed(domain, config))
  if (needless !== -1) {
    throw badConfig(`gateways[${needless}].trusted`, `a domain of this peer (${config.domains.join(", ")}), as for others nobody is asked for a password`, config.gateways[needless]?.domain ?? "", sourceOf("gateways"))
  }
  if (config.storage === "sqlite" && config.data === undefined) {
    throw badConfig("storage", "a folder (data) where records are to be kept", '"sqlite" without one', sourceOf("storage"))
  }
  const open = config.sip.find((text) => !isLoopback(parseSipListener(text)?.host ?? ""))
  if (config.users.length === 0 && !config.overlayUsers && !config.openRegistration && open !== undefined) {
    throw badConfig("users", "users, overlayUsers, or openRegistration (--open-registration), before anybody outside this machine may register", `none, and the listener ${open}`, sourceOf("sip"))
  }
}

type Registration = PeerConfig["registration"]

/** Whoever asks for no time must not be told that it is too brief. */
function requireExpirySense(key: string, times: Registration["byDomain"][string], usual: Omit<Registration, "byDomain">, sourceOf: (key: string) => string | undefined): void {
  const min = times.minExpiresSeconds ?? usual.minExpiresSeconds
  const max = times.maxExpiresSeconds ?? usual.maxExpiresSeconds
  const granted = times.defaultExpiresSeconds ?? usual.defaultExpiresSeconds
  if (min > max) throw badConfig(`${key}.minExpiresSeconds`, `at most maxExpiresSeconds, ${max}`, `${min}`, sourceOf("registration"))
  if (granted < min) throw badConfig(`${key}.defaultExpiresSeconds`, `at least minExpiresSeconds, ${min}`, `${granted}`, sourceOf("registration"))
}

/** `40000-40099`: first and last port, at least two and at most 2,000. */
export function parsePortRange(text: string): { readonly from: number; readonly to: number } | undefined {
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  return from >= 1 && to <= 65_535 && to - from >= 1 + (from % 2) && to - from < 2000 ? { from, to } : undefined
}

function isServed(domain: string, { domains }: PeerConfig): boolean {
  return domains.some((served) => served.toLowerCase() === domain.toLowerCase())
}

function isSipUri(value: string): boolean {
  return SipUri.tryParse(value)?.isSip === true
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part]
  }
  return value
}

function show(value: unknown): string {
  if (value === undefined) return "nothing"
  const text = JSON.stringify(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

function isMultiaddr(value: string): boolean {
  try {
    return value.startsWith("/") && multiaddr(value).getComponents().length > 0
  } catch {
    return false
  }
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value.toLowerCase()
}

function isIpLiteral(value: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(value) || /^\[[0-9a-f:.]+\]$/i.test(value)
}
