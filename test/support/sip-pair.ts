import { createResponse, SipRequest, type SipMessage, type SipResponse } from "../../src/sip/message/index.ts"
import {
  TransactionLayer,
  type ClientTransaction,
  type ServerTransaction,
  type TransactionOptions,
} from "../../src/sip/transaction/index.ts"
import type { TransportProtocol } from "../../src/sip/transport/transport.ts"
import { ManualRuntime } from "./manual-runtime.ts"
import { MemoryNetwork, type MemoryNetworkOptions, type MemoryTransport } from "./memory-transport.ts"

/** Two elements on a virtual clock, `a` that asks and `b` that answers, and what happens at them. */
export interface SipPair {
  readonly runtime: ManualRuntime
  readonly network: MemoryNetwork
  readonly a: MemoryTransport
  readonly b: MemoryTransport
  readonly client: TransactionLayer
  readonly server: TransactionLayer
  /** What the client transactions told, each with its time: `500 486`, `32000 timeout`, `37000 end`. */
  readonly log: string[]
  readonly responses: SipResponse[]
  /** The server transactions that came to be. */
  readonly servers: ServerTransaction[]
  readonly strays: SipMessage[]
  /** Sends a request from `a` to `b`. */
  readonly send: (method: string) => ClientTransaction
  /** Answers the first request, or the one of that number. */
  readonly respond: (status: number, number?: number) => void
}

export interface SipPairOptions extends MemoryNetworkOptions, TransactionOptions {
  readonly seed?: number
}

export function makeSipPair(protocol: TransportProtocol = "UDP", options: SipPairOptions = {}): SipPair {
  const runtime = new ManualRuntime(options.seed)
  const network = new MemoryNetwork(runtime, options)
  const a = network.add(protocol, "192.0.2.1")
  const b = network.add(protocol, "192.0.2.2")
  const client = new TransactionLayer({ runtime, transports: [a] }, options)
  const server = new TransactionLayer({ runtime, transports: [b] }, options)
  const log: string[] = []
  const responses: SipResponse[] = []
  const servers: ServerTransaction[] = []
  const strays: SipMessage[] = []
  server.onRequest((transaction) => servers.push(transaction))
  server.onStray((message) => strays.push(message))
  const note = (what: string): void => void log.push(`${runtime.now()} ${what}`)
  return {
    ...{ runtime, network, a, b, client, server, log, responses, servers, strays },
    send: (method) =>
      client.request(makeRequest(method), a.flowTo(b.advertised), {
        onResponse: (response) => {
          responses.push(response)
          note(String(response.status))
        },
        onTimeout: () => note("timeout"),
        onTransportError: (error) => note(`transport error: ${error?.message}`),
        onEnd: () => note("end"),
      }),
    respond: (status, number = 0) => {
      const transaction = servers[number]
      transaction?.respond(createResponse(transaction.request, status, undefined, { toTag: "b1" }))
    },
  }
}

/** A request of Alice's to Bob, without Via. */
export function makeRequest(method: string): SipRequest {
  return SipRequest.create(method, "sip:bob@192.0.2.2", [
    ["Max-Forwards", "70"],
    ["From", "<sip:alice@example.com>;tag=a1"],
    ["To", "<sip:bob@example.com>"],
    ["Call-ID", "c1"],
    ["CSeq", `1 ${method}`],
    ["Route", "<sip:192.0.2.2;lr>"],
  ])
}
