import type { Counter, Metrics } from "../../runtime/runtime.ts"

/** Methods that have a series of their own; what others call their methods must not make series. */
const knownMethods = new Set(
  "ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE".split(" "),
)

/** The metrics of a TransactionLayer. Counters are made once and kept: the path of a message only adds. */
export class LayerCounters {
  readonly #metrics: Metrics
  readonly #requests = new Map<string, Counter>()
  readonly #responses = new Map<number, Counter>()
  readonly #dropped = new Map<string, Counter>()
  readonly #refused = new Map<number, Counter>()
  readonly #suppressed = new Map<string, Counter>()
  readonly #retransmissions: Readonly<Record<"request" | "response", Counter>>

  constructor(metrics: Metrics, sizes: Readonly<Record<"client" | "server", () => number>>) {
    this.#metrics = metrics
    const help = "SIP messages that this peer sent again"
    this.#retransmissions = {
      request: metrics.counter("p2psip_sip_retransmissions_total", help, { kind: "request" }),
      response: metrics.counter("p2psip_sip_retransmissions_total", help, { kind: "response" }),
    }
    for (const kind of ["client", "server"] as const) {
      metrics.gauge("p2psip_sip_transactions", "SIP transactions that exist", sizes[kind], { kind })
    }
  }

  /** A request came. */
  request(method: string): void {
    const label = knownMethods.has(method) ? method : "other"
    this.#add(this.#requests, label, "p2psip_sip_requests_total", "SIP requests that came", "method", label)
  }

  /** A response came. */
  response(status: number): void {
    const hundreds = Math.floor(status / 100)
    this.#add(this.#responses, hundreds, "p2psip_sip_responses_total", "SIP responses that came", "class", `${hundreds}xx`)
  }

  /** A message was dropped, or answered with no more than an error. */
  dropped(reason: string): void {
    this.#add(this.#dropped, reason, "p2psip_sip_messages_dropped_total", "SIP messages not acted upon", "reason", reason)
  }

  /** The layer itself answered a request. */
  refused(status: number): void {
    const help = "SIP requests that the transaction layer answered with an error"
    this.#add(this.#refused, status, "p2psip_sip_requests_refused_total", help, "status", String(status))
  }

  /** A response that a user passed was not sent. */
  suppressed(reason: string): void {
    const help = "SIP responses that were not sent, as the RFCs demand or for want of a way back"
    this.#add(this.#suppressed, reason, "p2psip_sip_responses_suppressed_total", help, "reason", reason)
  }

  retransmission(kind: "request" | "response"): void {
    this.#retransmissions[kind].add()
  }

  #add<Key>(counters: Map<Key, Counter>, key: Key, name: string, help: string, label: string, value: string): void {
    let counter = counters.get(key)
    if (counter === undefined) {
      counter = this.#metrics.counter(name, help, { [label]: value })
      counters.set(key, counter)
    }
    counter.add()
  }
}
