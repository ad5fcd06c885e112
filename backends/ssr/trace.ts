/** Packets that ask which way they go: the question collects who decided on it, the answer brings that back. */
import { ByteReader, ByteWriter, badFrame } from "../../src/codec.ts"
import { P2PSipError } from "../../src/errors.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import { addressBytes, formatAddress } from "./address.ts"
import type { Packet } from "./packet.ts"
import { maxRouteLength, readAddress, readRoute, sourceOf, writeAddress, writeRoute } from "./packet.ts"
import type { Route } from "./route.ts"

/** Where a packet went. */
export interface Trace {
  /** From this node to the one that answered. */
  readonly route: Route
  readonly deciders: readonly Address[]
  readonly isExact: boolean
  readonly rttMs: number
}

/** Sends a packet: a question to whoever answers for an address, an answer to exactly one node. False where no way leads on. */
export type SendTrace = (kind: "question" | "answer", to: Address, payload: Uint8Array) => boolean

interface Waiting {
  readonly sentAt: number
  readonly timer: Timer
  resolve(trace: Trace): void
}

const kinds = { question: 0, answer: 1 } as const
const maxDeciders = 64
const maxWaiting = 64
const timeoutMs = 5_000
const headBytes = 5

/** The payload of a question with one more node that has decided where it goes; a question that has no room left stays as it is. */
export function withDecider(payload: Uint8Array, decider: Address): Uint8Array {
  const isQuestion = payload[0] === kinds.question && payload.length >= headBytes
  if (!isQuestion || payload.length >= headBytes + maxDeciders * addressBytes) return payload
  const writer = new ByteWriter(payload.length + addressBytes).fixed(payload)
  writeAddress(writer, decider)
  return writer.finish()
}

/** See the head of this file. */
export class Tracer {
  readonly #runtime: Runtime
  readonly #send: SendTrace
  readonly #waiting = new Map<number, Waiting>()

  constructor(runtime: Runtime, send: SendTrace) {
    this.#runtime = runtime
    this.#send = send
  }

  /** Rejects with `P2PSIP_LIMIT`, `P2PSIP_TIMEOUT`, `P2PSIP_UNREACHABLE`. */
  trace(to: Address): Promise<Trace> {
    if (this.#waiting.size >= maxWaiting) return Promise.reject(new P2PSipError("P2PSIP_LIMIT", `expected at most ${maxWaiting} traces at a time, found more`))
    const id = this.#runtime.random.uint32()
    const { promise, resolve, reject } = Promise.withResolvers<Trace>()
    const timer = this.#runtime.setTimer(timeoutMs, () => {
      this.#waiting.delete(id)
      reject(new P2PSipError("P2PSIP_TIMEOUT", `no answer from ${formatAddress(to)}, nor from who answers for it`))
    })
    this.#waiting.set(id, { sentAt: this.#runtime.now(), timer, resolve })
    if (!this.#send("question", to, new ByteWriter(headBytes).uint8(kinds.question).uint32(id).finish())) {
      this.#waiting.delete(id)
      timer.cancel()
      reject(new P2PSipError("P2PSIP_UNREACHABLE", `no way leads towards ${formatAddress(to)}`))
    }
    return promise
  }

  /** A question for this node, or an answer to it. Throws `P2PSIP_BAD_FRAME`. */
  onArrival(packet: Packet, self: Address): void {
    const reader = new ByteReader(packet.payload)
    const kind = reader.uint8()
    if (kind === kinds.question) this.#answer(packet, reader, packet.destination === self)
    else if (kind === kinds.answer) this.#onAnswer(reader)
    else throw badFrame("a question or an answer", `${kind}`)
  }

  #answer(packet: Packet, reader: ByteReader, isExact: boolean): void {
    const { route } = packet
    const id = reader.uint32()
    if (reader.remaining % addressBytes !== 0) throw badFrame("whole addresses", `${reader.remaining} bytes`)
    const deciders = reader.fixed(reader.remaining)
    const writer = new ByteWriter(64).uint8(kinds.answer).uint32(id).uint8(isExact ? 1 : 0)
    writeRoute(writer, route)
    const answer = writer.fixed(deciders).finish()
    // This node asked which way, and answers for that itself.
    if (route.length === 1) this.#onAnswer(new ByteReader(answer.subarray(1)))
    else this.#send("answer", sourceOf(packet), answer)
  }

  #onAnswer(reader: ByteReader): void {
    const id = reader.uint32()
    const isExact = reader.uint8() === 1
    const route = readRoute(reader)
    const deciders: Address[] = []
    while (reader.remaining > 0 && deciders.length < maxRouteLength) deciders.push(readAddress(reader))
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    waiting.timer.cancel()
    waiting.resolve({ route, deciders, isExact, rttMs: this.#runtime.now() - waiting.sentAt })
  }
}
