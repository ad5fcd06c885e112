import { isIP } from "node:net"
import { badArgument } from "../../errors.ts"
import type { Runtime } from "../../runtime/runtime.ts"
import { type Soon, whenKnown } from "../../soon.ts"
import type { SipUri } from "../message/index.ts"
import { FlowTokens } from "./flow-token.ts"
import { bareHost, defaultPort } from "./host-port.ts"
import { isWildcard, localAddresses } from "./listen.ts"
import { Suspects } from "./suspects.ts"
import { LiteralResolver, type Target, type TargetResolver } from "./target.ts"
import type { Flow, Transport, TransportProtocol } from "./transport.ts"

/** What a transport set is built on. */
export interface TransportSetComponents {
  readonly runtime: Runtime
  /** The preferred one of a protocol first. */
  readonly transports: readonly Transport[]
  /** @default literal addresses only */
  readonly resolver?: TargetResolver
}

/** What a user may choose about a transport set. */
export interface TransportSetOptions {
  /** 32 random bytes for flow tokens. Give them to keep tokens valid over a restart. @default drawn at the start */
  readonly flowTokenSecret?: Uint8Array
}

/** The transports of one stack: which one to use, which flow a token names, which addresses are this element's. */
export class TransportSet {
  readonly all: readonly Transport[]
  readonly #tokens: FlowTokens
  readonly #resolver: TargetResolver
  readonly #suspects: Suspects
  /** What the wildcards stood for at the start, by family. */
  readonly #local = new Map<number, readonly string[]>()

  constructor(components: TransportSetComponents, options: TransportSetOptions = {}) {
    const secret = options.flowTokenSecret ?? components.runtime.random.bytes(32)
    if (secret.length < 32) badArgument("flowTokenSecret", "at least 32 bytes", secret)
    this.all = components.transports
    this.#tokens = new FlowTokens(secret)
    this.#resolver = components.resolver ?? new LiteralResolver()
    this.#suspects = new Suspects(components.runtime)
  }

  /** Starts all; where one fails, stops those that had started and rejects with its error. */
  async start(): Promise<void> {
    const started: Transport[] = []
    try {
      for (const transport of this.all) {
        await transport.start()
        started.push(transport)
      }
      for (const family of [4, 6]) this.#local.set(family, localAddresses(family))
    } catch (error) {
      await Promise.all(started.map((transport) => transport.stop()))
      throw error
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((transport) => transport.stop()))
  }

  /** The first transport of a protocol; with a remote IP address, of its family. */
  transportFor(protocol: TransportProtocol, remoteHost?: string): Transport | undefined {
    const family = remoteHost === undefined ? 0 : isIP(remoteHost)
    return this.all.find((transport) => transport.protocol === protocol && reaches(transport, family))
  }

  /** The flow to a target, opened if need be. */
  flowTo(target: Target): Flow | undefined {
    return this.transportFor(target.protocol, target.host)?.flowTo(target)
  }

  /** The places to try for a next hop, the best first, as far as this stack has transports for them. Rejects where the DNS cannot tell. */
  targetsOf(uri: SipUri): Soon<readonly Target[]> {
    return whenKnown(this.#resolver.resolve(uri), (targets) => {
      return this.#suspects.last(targets.filter((target) => this.transportFor(target.protocol, target.host) !== undefined))
    })
  }

  /** The target has failed: for a while the others of its domain come first. */
  suspect(target: Target): void {
    this.#suspects.add(target)
  }

  /** The token that names a flow in URIs of this element. */
  tokenOf(flow: Flow): string {
    return this.#tokens.tokenOf(flow.key)
  }

  /**
   * What a token names: a flow, `gone` where it was one of this element's and
   * has ended (RFC 5626 §5.3: 430), `forged` for any other text (403).
   */
  flowOfToken(token: string): Flow | "gone" | "forged" {
    const key = this.#tokens.keyOf(token)
    if (key === undefined) return "forged"
    for (const transport of this.all) {
      const flow = transport.flowOf(key)
      if (flow !== undefined) return flow
    }
    return "gone"
  }

  /** Whether a host and port (of a Route, a Request-URI, a Via) are this element's. No port stands for the protocol's default. */
  isSelf(host: string, port?: number, protocol?: TransportProtocol): boolean {
    const name = bareHost(host).toLowerCase()
    return this.all.some((transport) => {
      if (protocol !== undefined && transport.protocol !== protocol) return false
      return this.#isAt(transport, name === "localhost" ? loopbackOf(transport) : name, port ?? defaultPort(transport.protocol))
    })
  }

  /** {@link isSelf} for a URI, whatever its `transport`. */
  isSelfUri(uri: SipUri): boolean {
    return this.isSelf(uri.host, uri.port)
  }

  #isAt({ protocol, advertised, bound }: Transport, host: string, port: number): boolean {
    if (advertised.host.toLowerCase() === host && (advertised.port === port || protocol === "P2P")) return true
    if (bound === undefined || bound.port !== port) return false
    return bound.host === host || (isWildcard(bound.host) && this.#local.get(isIP(bound.host))?.includes(host) === true)
  }
}

function reaches(transport: Transport, family: number): boolean {
  if (family === 0) return true
  const own = isIP((transport.bound ?? transport.advertised).host)
  return own === 0 || own === family
}

function loopbackOf(transport: Transport): string {
  return isIP((transport.bound ?? transport.advertised).host) === 6 ? "::1" : "127.0.0.1"
}
