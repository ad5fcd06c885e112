/**
 * How much one source may send: a bucket for each, that every message fills
 * and time empties. Who goes on while it is full keeps it full: a flood is
 * shut out for as long as it lasts, and for a while after.
 *
 * Over UDP anybody can write anybody's address on a datagram. So what comes
 * over connections, whose addresses are proved, has a bucket of its own, and
 * so has each UDP address and port at which a user was authentic within the
 * hour: a flood in their name does not reach them.
 */
import { BlockList, isIPv6 } from "node:net"
import { badArgument } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { sourceOf } from "../sip/transport/source.ts"
import type { Flow, Gate, HostPort, TransportProtocol } from "../sip/transport/transport.ts"
import { LeakyBuckets } from "./leaky-buckets.ts"

/** What can be set on {@link SourceGuard}. */
export interface SourceGuardOptions {
  /** Messages from one source (an IPv4 address, an IPv6 /64), on the average. @default 300 */
  readonly messagesPerSecond?: number
  /** Messages at once. @default 3000 */
  readonly burst?: number
  /** Addresses and networks that are not counted: `192.0.2.0/24`, `2001:db8::1`. @default this machine's own */
  readonly exempt?: readonly string[]
}

const maxSources = 100_000
const maxVouched = 100_000
const maxVerdicts = 10_000
const vouchedMs = 3_600_000
/** What a message costs that makes no sense. */
const malformedCost = 20

/** Exempt where nothing else is said. */
export const exemptByDefault: readonly string[] = ["127.0.0.0/8", "::1"]

/** See the head of this file. */
export class SourceGuard implements Gate {
  readonly #runtime: Runtime
  readonly #buckets: LeakyBuckets
  readonly #exempt = new BlockList()
  /** What it said of addresses lately: to ask it costs as much as to read a message. */
  readonly #verdicts = new Map<string, boolean>()
  /** Until when; the oldest first. */
  readonly #vouched = new Map<string, number>()

  /** Throws `P2PSIP_BAD_ARGUMENT`. */
  constructor(components: { readonly runtime: Runtime }, options: SourceGuardOptions = {}) {
    this.#runtime = components.runtime
    const { messagesPerSecond = 300, burst = 3000, exempt = exemptByDefault } = options
    this.#buckets = new LeakyBuckets(components.runtime, { capacity: burst, leakPerSecond: messagesPerSecond, maxBuckets: maxSources, overflow: 2 })
    for (const network of exempt) {
      const parsed = parseNetwork(network)
      if (parsed === undefined) badArgument("exempt", "IP addresses or networks such as 192.0.2.0/24", network)
      this.#exempt.addSubnet(...parsed)
    }
    components.runtime.metrics.gauge("p2psip_sip_sources", "Sources that have sent something of late", () => this.#buckets.size)
  }

  admits(protocol: TransportProtocol, remote: HostPort): boolean {
    return this.#pour(protocol, remote, 1)
  }

  /** A message of this flow's made no sense. */
  penalise({ transport, remote }: Flow): void {
    this.#pour(transport.protocol, remote, malformedCost)
  }

  /** A user was authentic on this flow. */
  vouch({ transport, remote }: Flow): void {
    if (transport.protocol !== "UDP") return
    const name = nameOf(remote)
    const now = this.#runtime.now()
    // Each REGISTER comes by here.
    if ((this.#vouched.get(name) ?? 0) - now > vouchedMs * 0.9) return
    this.#vouched.delete(name)
    this.#vouched.set(name, now + vouchedMs)
    for (const [oldest, until] of this.#vouched) {
      if (this.#vouched.size <= maxVouched && until > now) break
      this.#vouched.delete(oldest)
    }
  }

  #pour(protocol: TransportProtocol, remote: HostPort, amount: number): boolean {
    if (protocol === "P2P" || this.#isExempt(remote.host)) return true
    const key = protocol === "UDP" ? this.#udpKey(remote) : `+${sourceOf(remote.host)}`
    const hadRoom = this.#buckets.secondsUntilRoom(key) === 0
    const hasRoom = this.#buckets.add(key, amount)
    if (hadRoom && !hasRoom) this.#runtime.log.warn({ source: remote.host, protocol }, "a source sends too much: what it sends is dropped until it stops")
    return hasRoom
  }

  #udpKey(remote: HostPort): string {
    if (this.#vouched.size > 0) {
      const name = nameOf(remote)
      if ((this.#vouched.get(name) ?? 0) > this.#runtime.now()) return name
    }
    return sourceOf(remote.host)
  }

  #isExempt(host: string): boolean {
    let verdict = this.#verdicts.get(host)
    if (verdict === undefined) {
      if (this.#verdicts.size === maxVerdicts) this.#verdicts.clear()
      verdict = this.#exempt.check(host, isIPv6(host) ? "ipv6" : "ipv4")
      this.#verdicts.set(host, verdict)
    }
    return verdict
  }
}

/** Address, length of the prefix and family; undefined for other text. */
export function parseNetwork(text: string): [address: string, prefix: number, family: "ipv4" | "ipv6"] | undefined {
  const [address = "", digits, ...rest] = text.split("/")
  const isSix = isIPv6(address)
  const most = isSix ? 128 : 32
  const prefix = digits === undefined ? most : /^\d{1,3}$/.test(digits) ? Number(digits) : -1
  if (rest.length > 0 || prefix < 0 || prefix > most || (!isSix && !/^\d{1,3}(\.\d{1,3}){3}$/.test(address))) return undefined
  if (!isSix && address.split(".").some((byte) => Number(byte) > 255)) return undefined
  return [address, prefix, isSix ? "ipv6" : "ipv4"]
}

function nameOf({ host, port }: HostPort): string {
  return `${host} ${port}`
}
