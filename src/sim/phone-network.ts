/**
 * SIP between phones and peers, as over UDP: datagrams between simulated IP
 * addresses, some of which are lost, or come twice.
 */
import type { Flow, HostPort, Transport } from "../sip/transport/index.ts"
import { formatHostPort, parseHostPort } from "../sip/transport/host-port.ts"
import { SimRandom } from "./sim-random.ts"
import type { SimRuntime } from "./sim-runtime.ts"

/** Probabilities, and one-way milliseconds. */
export interface PhoneNetworkOptions {
  readonly lossRate: number
  readonly duplicationRate: number
  readonly oneWayMs: number
}

const port = 5060

/** See the head of this file. */
export class PhoneNetwork {
  readonly #random: SimRandom
  readonly #options: PhoneNetworkOptions
  readonly #transports = new Map<string, PhoneTransport>()
  #attached = 0

  constructor(seed: number | string, options: PhoneNetworkOptions) {
    this.#random = new SimRandom(seed, "phone network")
    this.#options = options
  }

  /** A transport with an address of its own; it ends with the process of the runtime. */
  attach(runtime: SimRuntime): Transport {
    const number = ++this.#attached
    const host = `10.${(number >> 16) & 0xff}.${(number >> 8) & 0xff}.${number & 0xff}`
    const transport = new PhoneTransport(this, runtime, host)
    this.#transports.set(host, transport)
    return transport
  }

  send(from: HostPort, to: HostPort, message: Uint8Array): void {
    const target = this.#transports.get(to.host)
    if (target === undefined || to.port !== port || this.#random.chance(this.#options.lossRate)) return
    target.arrive(message, from, this.#options.oneWayMs)
    if (this.#random.chance(this.#options.duplicationRate)) target.arrive(message, from, this.#options.oneWayMs * (1 + this.#random.float()))
  }
}

class PhoneTransport implements Transport {
  readonly protocol = "UDP"
  readonly isReliable = false
  readonly advertised: HostPort
  readonly #network: PhoneNetwork
  readonly #runtime: SimRuntime
  readonly #keyPrefix: string
  #isStarted = false
  #receiver: (message: Uint8Array, flow: Flow) => void = () => undefined

  constructor(network: PhoneNetwork, runtime: SimRuntime, host: string) {
    this.#network = network
    this.#runtime = runtime
    this.advertised = { host, port }
    this.#keyPrefix = `UDP ${formatHostPort(this.advertised)} `
  }

  get bound(): HostPort {
    return this.advertised
  }

  async start(): Promise<void> {
    this.#isStarted = true
  }

  async stop(): Promise<void> {
    this.#isStarted = false
  }

  flowTo(remote: HostPort): Flow | undefined {
    if (!this.#isStarted) return undefined
    return {
      transport: this,
      remote,
      key: this.#keyPrefix + formatHostPort(remote),
      isOpen: true,
      send: (message) => {
        // A process that has died in the midst of an event sends nothing more.
        if (this.#isStarted && !this.#runtime.isHalted) this.#network.send(this.advertised, remote, message)
      },
      onClose: () => () => undefined,
    }
  }

  flowOf(key: string): Flow | undefined {
    if (!key.startsWith(this.#keyPrefix)) return undefined
    const remote = parseHostPort(key.slice(this.#keyPrefix.length))
    return remote === undefined ? undefined : this.flowTo(remote)
  }

  onMessage(receiver: (message: Uint8Array, flow: Flow) => void): void {
    this.#receiver = receiver
  }

  arrive(message: Uint8Array, from: HostPort, afterMs: number): void {
    this.#runtime.setTimer(afterMs, () => {
      const flow = this.flowTo(from)
      if (flow !== undefined) this.#receiver(message, flow)
    })
  }
}
