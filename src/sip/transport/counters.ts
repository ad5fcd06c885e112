import type { Counter, Metrics } from "../../runtime/runtime.ts"
import type { TransportProtocol } from "./transport.ts"

/** The metrics of one transport. Reasons are constants of the program, never text from outside. */
export class TransportCounters {
  readonly received: Counter
  readonly sent: Counter
  readonly keepAlives: Counter
  readonly #metrics: Metrics
  readonly #protocol: TransportProtocol
  readonly #dropped = new Map<string, Counter>()
  readonly #closed = new Map<string, Counter>()

  constructor(metrics: Metrics, protocol: TransportProtocol) {
    this.#metrics = metrics
    this.#protocol = protocol
    const labels = { protocol }
    this.received = metrics.counter("p2psip_sip_transport_received_total", "SIP messages received", labels)
    this.sent = metrics.counter("p2psip_sip_transport_sent_total", "SIP messages handed to the network", labels)
    this.keepAlives = metrics.counter("p2psip_sip_transport_keepalives_total", "SIP keep-alives received", labels)
  }

  /** A message was not sent or not taken. */
  dropped(reason: string): void {
    this.#add(this.#dropped, reason, "p2psip_sip_transport_dropped_total", "SIP messages dropped by a transport")
  }

  /** A connection was refused or ended by this side. */
  closed(reason: string): void {
    this.#add(this.#closed, reason, "p2psip_sip_transport_closed_total", "SIP connections refused or closed by this peer")
  }

  #add(counters: Map<string, Counter>, reason: string, name: string, help: string): void {
    let counter = counters.get(reason)
    if (counter === undefined) {
      counter = this.#metrics.counter(name, help, { protocol: this.#protocol, reason })
      counters.set(reason, counter)
    }
    counter.add()
  }
}
