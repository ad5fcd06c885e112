/**
 * Phones for a load, many behind one UDP socket. It sends the requests of them
 * all, tells their answers apart by the branch, and repeats what was not
 * answered (RFC 3261 §17.1.2.2); who is called answers at once.
 */
import { createSocket } from "node:dgram"
import type { Socket } from "node:dgram"
import { createResponse, parseMessage, SipRequest, SipResponse } from "../sip/message/index.ts"

/** One request, and who waits for its answer. */
interface Pending {
  readonly bytes: Buffer
  readonly port: number
  readonly onFinal: (response: SipResponse) => void
  /** Provisional answers end the repeating of an INVITE. */
  dueAt: number
  intervalMs: number
}

const t1Ms = 500
const t2Ms = 4000
/** Timer F: after this nobody answers any more. */
const lifeMs = 64 * t1Ms
const sweepMs = 100
const receiveBytes = 4 << 20
const host = "127.0.0.1"

/** See the head of this file. */
export class Phones {
  readonly #socket: Socket
  readonly #pending = new Map<string, Pending & { readonly endsAt: number }>()
  readonly #sweeper: NodeJS.Timeout
  #sent = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs)
    socket.on("message", (bytes, from) => this.#receive(bytes, from.port))
  }

  static async open(): Promise<Phones> {
    return new Phones(await openSocket())
  }

  /** Where the phones are. */
  get port(): number {
    return this.#socket.address().port
  }

  /** Sends a request, its Via added, and again while there is no answer. The result is the branch. */
  request(port: number, method: string, uri: string, headers: readonly string[], onFinal: (response: SipResponse) => void): string {
    const branch = `z9hG4bK${this.#sent++}`
    const bytes = this.#write(branch, method, uri, headers)
    const now = performance.now()
    this.#pending.set(branch, { bytes, port, onFinal, dueAt: now + t1Ms, intervalMs: t1Ms, endsAt: now + lifeMs })
    this.#socket.send(bytes, port, host)
    return branch
  }

  /** Sends an ACK, which nobody answers. */
  acknowledge(port: number, uri: string, headers: readonly string[], branch = `z9hG4bK${this.#sent++}`): void {
    this.#socket.send(this.#write(branch, "ACK", uri, headers), port, host)
  }

  /** Forgets what is under way: its answers are nobody's. */
  forget(): void {
    this.#pending.clear()
  }

  close(): void {
    clearInterval(this.#sweeper)
    this.#socket.close()
  }

  #write(branch: string, method: string, uri: string, headers: readonly string[]): Buffer {
    const via = `Via: SIP/2.0/UDP ${host}:${this.port};branch=${branch};rport`
    return Buffer.from([`${method} ${uri} SIP/2.0`, via, "Max-Forwards: 70", ...headers, "Content-Length: 0", "", ""].join("\r\n"), "latin1")
  }

  #receive(bytes: Uint8Array, port: number): void {
    const message = parseMessage(bytes)
    if (message instanceof SipResponse) this.#take(message)
    if (!(message instanceof SipRequest) || message.method === "ACK") return
    if (message.method === "INVITE") this.#answer(message, 180, port)
    this.#answer(message, 200, port)
  }

  #answer(request: SipRequest, status: number, port: number): void {
    const contact: [string, string] = ["Contact", `<sip:${host}:${this.port}>`]
    // One tag for all copies of a request: a phone that is asked again says the same.
    const response = createResponse(request, status, undefined, { toTag: `t${request.cseq.number}`, withRecordRoute: true, headers: [contact] })
    this.#socket.send(response.toBytes(), port, host)
  }

  #take(response: SipResponse): void {
    const branch = response.via?.branch ?? ""
    const pending = this.#pending.get(branch)
    if (pending === undefined) return
    if (response.status < 200) {
      pending.dueAt = Infinity
      return
    }
    this.#pending.delete(branch)
    pending.onFinal(response)
  }

  #sweep(): void {
    const now = performance.now()
    for (const [branch, pending] of this.#pending) {
      if (now >= pending.endsAt) this.#pending.delete(branch)
      if (now < pending.dueAt) continue
      pending.intervalMs = Math.min(2 * pending.intervalMs, t2Ms)
      pending.dueAt = now + pending.intervalMs
      this.#socket.send(pending.bytes, pending.port, host)
    }
  }
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: receiveBytes })
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject)
    socket.bind(0, host, resolve)
  })
  // An ICMP error is no more than silence.
  socket.on("error", () => undefined)
  return socket
}
