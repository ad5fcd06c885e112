/**
 * Transactions per second through the transaction layer: INVITE, 200, ACK,
 * BYE, 200 and stateless REGISTERs between two stacks in one process, over
 * flows inside the process and over UDP on the loopback.
 *
 *     node src/bench/sip-transaction.ts [seconds per row]
 */
import { NodeRuntime } from "../runtime/node.ts"
import { createResponse, SipRequest } from "../sip/message/index.ts"
import { TransactionLayer, type ClientHandlers } from "../sip/transaction/index.ts"
import { UdpTransport, type Flow, type HostPort, type Transport } from "../sip/transport/index.ts"

const seconds = Number(process.argv[2] ?? 3)
const underWay = 64

/** A transport that hands each message to its peer in the next turn of the event loop. */
class LocalTransport implements Transport {
  readonly protocol = "UDP"
  readonly isReliable = false
  readonly advertised: HostPort
  peer: LocalTransport | undefined
  #receiver: (message: Uint8Array, flow: Flow) => void = () => undefined
  #queue: Uint8Array[] = []

  constructor(host: string) {
    this.advertised = { host, port: 5060 }
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  flowTo(remote: HostPort): Flow {
    const send = (message: Uint8Array): void => this.peer?.take(message)
    return { transport: this, remote, key: `UDP ${remote.host}`, isOpen: true, send, onClose: () => () => undefined }
  }

  flowOf(): undefined {
    return undefined
  }

  onMessage(receiver: (message: Uint8Array, flow: Flow) => void): void {
    this.#receiver = receiver
  }

  take(message: Uint8Array): void {
    if (this.#queue.push(message) > 1) return
    setImmediate(() => {
      const from = this.peer?.advertised ?? this.advertised
      for (const next of this.#queue.splice(0)) this.#receiver(next, this.flowTo(from))
    })
  }
}

function makeRequest(method: string, call: number): SipRequest {
  return SipRequest.create(method, `sip:bob${call}@example.com`, [
    ["Max-Forwards", "70"],
    ["From", `<sip:alice${call}@example.com>;tag=${call}`],
    ["To", `<sip:bob${call}@example.com>`],
    ["Call-ID", `${call}-8f3a@192.0.2.1`],
    ["CSeq", `1 ${method}`],
    ["Contact", `<sip:alice${call}@192.0.2.1:5060>`],
    ["User-Agent", "bench"],
  ])
}

/** Runs one workload for a while; `once` does one unit and then calls back. */
async function measure(name: string, once: (unit: number, done: () => void) => void): Promise<void> {
  let unit = 0
  let done = 0
  const began = performance.now()
  const cpuBegan = process.cpuUsage()
  await new Promise<void>((resolve) => {
    let running = underWay
    const next = (): void => {
      if (performance.now() - began < seconds * 1000) {
        once(unit++, () => {
          done++
          next()
        })
      } else if (--running === 0) resolve()
    }
    for (let i = 0; i < underWay; i++) next()
  })
  const elapsedMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpuBegan)
  console.log(`${name.padEnd(44)} ${Math.round((done * 1000) / elapsedMs)}/s  ${((user + system) / done).toFixed(1)} µs CPU each, both ends`)
}

async function run(name: string, a: Transport, b: Transport): Promise<void> {
  const runtime = new NodeRuntime({ logLevel: "error" })
  const client = new TransactionLayer({ runtime, transports: [a] }, { maxTransactions: 1e7 })
  const server = new TransactionLayer({ runtime, transports: [b] }, { maxTransactions: 1e7 })
  await a.start()
  await b.start()
  const flow = a.flowTo(b.advertised)
  if (flow === undefined) throw new Error("no flow")
  server.onStateless((request, from) => {
    if (request.method !== "REGISTER") return false
    server.reply(request, from, 200)
    return true
  })
  server.onRequest((transaction, request) => transaction.respond(createResponse(request, 200, undefined, { toTag: "b" })))
  server.onStray(() => undefined)
  const send = (method: string, call: number, answered: () => void): void => {
    const handlers: ClientHandlers = {
      onResponse: (response) => {
        if (response.isFinal) answered()
      },
      onTimeout: answered,
      onTransportError: answered,
    }
    client.request(makeRequest(method, call), flow, handlers)
  }
  await measure(`${name}: REGISTER, stateless at the server`, (call, done) => send("REGISTER", call, done))
  await measure(`${name}: OPTIONS`, (call, done) => send("OPTIONS", call, done))
  await measure(`${name}: call (INVITE 200 ACK BYE 200)`, (call, done) =>
    send("INVITE", call, () => {
      client.sendStateless(makeRequest("ACK", call), flow)
      send("BYE", call, done)
    }),
  )
  client.stop()
  server.stop()
  await a.stop()
  await b.stop()
}

const left = new LocalTransport("192.0.2.1")
const right = new LocalTransport("192.0.2.2")
left.peer = right
right.peer = left
await run("in process", left, right)
const runtime = new NodeRuntime({ logLevel: "error" })
await run("UDP", new UdpTransport({ runtime }, { port: 0 }), new UdpTransport({ runtime }, { port: 0 }))
