/** Work that phones give a side by SIP: registrations and calls. */
import type { Runtime } from "../runtime/runtime.ts"
import { SimRandom } from "../sim/sim-random.ts"
import type { SipResponse } from "../sip/message/index.ts"
import { parseNameAddress } from "../sip/message/index.ts"
import type { Workload, WorkloadName } from "./model.ts"
import { runClosedLoop } from "./closed-loop.ts"
import { poissonArrivals, runOpenLoop } from "./open-loop.ts"
import type { Outcome } from "./open-loop.ts"
import { Phones } from "./phones.ts"
import { domain, userAddress } from "./side.ts"
import { mixture } from "./workloads.ts"

type End = (isDone: boolean) => void
type Operation = (end: End) => void

export interface SipWorkOptions {
  /** UDP ports of loopback; phones are spread over them. */
  readonly sipPorts: readonly number[]
  /** Users that are to be registered beforehand. */
  readonly users: number
  readonly timeoutMs: number
  readonly seed: string
}

const callees = 40
/** Requests under way at once while users are registered beforehand. */
const width = 32

/** See the head of this file. */
export class SipWork {
  readonly #runtime: Pick<Runtime, "now" | "setTimer" | "defer">
  readonly #options: SipWorkOptions
  readonly #callers: Phones
  readonly #called: Phones
  readonly #cseqs = new Map<string, number>()
  #fresh = 0
  #refreshed = 0
  #calls = 0

  private constructor(runtime: Pick<Runtime, "now" | "setTimer" | "defer">, options: SipWorkOptions, callers: Phones, called: Phones) {
    this.#runtime = runtime
    this.#options = options
    this.#callers = callers
    this.#called = called
  }

  static async open(runtime: Pick<Runtime, "now" | "setTimer" | "defer">, options: SipWorkOptions): Promise<SipWork> {
    return new SipWork(runtime, options, await Phones.open(), await Phones.open())
  }

  /** Registers the users, and the phones that will be called. Resolves with how many of them could not. */
  async prepare(): Promise<number> {
    const users = Array.from({ length: this.#options.users }, (_, index) => this.#register(`u${index}`, index))
    const called = Array.from({ length: callees }, (_, index) => this.#register(`callee${index}`, index, { from: this.#called }))
    return this.#all([...users, ...called])
  }

  /** Offers so much for so long, and resolves when all has been answered, or given up. */
  async load({ name, perSecond, underWay }: Omit<Workload, "title" | "about" | "by">, seconds: number): Promise<Outcome> {
    const { seed, timeoutMs } = this.#options
    if (underWay !== undefined) return this.#loadFully(name, underWay, seconds)
    const arrivalsMs = poissonArrivals(new SimRandom(`${seed} ${this.#fresh} ${this.#refreshed} ${this.#calls}`, name), perSecond, seconds)
    const operations = await this.#operationsOf(name, arrivalsMs.length)
    const begin = (index: number, end: End): void => operations[index]?.(end)
    const outcome = await runOpenLoop(this.#runtime, { arrivalsMs, timeoutMs, begin })
    this.#callers.forget()
    return outcome
  }

  async #loadFully(name: WorkloadName, underWay: number, seconds: number): Promise<Outcome> {
    const { timeoutMs } = this.#options
    const kind = name === "register-max" ? "register" : name === "call-max" ? "call" : "refresh"
    const begin = (_: number, end: End): void => this.#operation(kind)(end)
    const outcome = await runClosedLoop(this.#runtime, { underWay, seconds, timeoutMs, begin })
    this.#callers.forget()
    return outcome
  }

  close(): void {
    this.#callers.close()
    this.#called.close()
  }

  async #operationsOf(name: WorkloadName, count: number): Promise<Operation[]> {
    const indexes = Array.from({ length: count }, (_, index) => index)
    if (name === "mixed") return indexes.map((index) => this.#operation(mixture[index % mixture.length] ?? "refresh"))
    if (name === "register" || name === "refresh" || name === "call") return indexes.map(() => this.#operation(name))
    if (name !== "remove") throw new Error(`${name} is no work for phones`)
    // Who is to be removed must be there.
    const from = this.#fresh
    this.#fresh += count
    await this.#all(indexes.map((index) => this.#register(`n${from + index}`, from + index)))
    return indexes.map((index) => this.#register(`n${from + index}`, from + index, { expires: 0 }))
  }

  #operation(kind: "register" | "refresh" | "remove" | "call"): Operation {
    switch (kind) {
      case "register": {
        const number = this.#fresh++
        return this.#register(`n${number}`, number)
      }
      case "refresh": {
        const number = this.#refreshed++ % this.#options.users
        return this.#register(`u${number}`, number)
      }
      case "remove": {
        const number = Math.max(0, this.#fresh - 1)
        return this.#register(`n${number}`, number, { expires: 0 })
      }
      case "call":
        return this.#call(this.#calls++)
    }
  }

  #register(user: string, entry: number, how: { readonly expires?: number; readonly from?: Phones } = {}): Operation {
    const { expires = 3600, from = this.#callers } = how
    return (end) => {
      const cseq = (this.#cseqs.get(user) ?? 0) + 1
      this.#cseqs.set(user, cseq)
      const address = userAddress(user)
      const headers = [
        `From: <${address}>;tag=${user}`, `To: <${address}>`, `Call-ID: ${user}@${from.port}`, `CSeq: ${cseq} REGISTER`,
        `Contact: <sip:${user}@127.0.0.1:${from.port}>`, `Expires: ${expires}`,
      ]
      from.request(this.#portOf(entry), "REGISTER", `sip:${domain}`, headers, (response) => {
        end(response.status === 200 && response.headers.has("Contact") === (expires > 0))
      })
    }
  }

  /** INVITE, ACK and BYE, as a caller with an outbound proxy sends them (RFC 3261 §12.2.1.1). */
  #call(number: number): Operation {
    // Caller and callee are at different peers, unless there is but one.
    const [port, callee] = [this.#portOf(number), userAddress(`callee${(number + 1) % callees}`)]
    return (end) => {
      const from = `From: <${userAddress("caller")}>;tag=c${number}`
      const callId = `Call-ID: call${number}@${this.#callers.port}`
      const contact = `Contact: <sip:caller@127.0.0.1:${this.#callers.port}>`
      const branch = this.#callers.request(port, "INVITE", callee, [from, `To: <${callee}>`, callId, "CSeq: 1 INVITE", contact], (response) => {
        const to = `To: ${response.headers.get("To") ?? ""}`
        if (response.status >= 300) {
          this.#callers.acknowledge(port, callee, [from, to, callId, "CSeq: 1 ACK"], branch)
          return end(false)
        }
        const { uri, routes } = dialogOf(response)
        this.#callers.acknowledge(port, uri, [...routes, from, to, callId, "CSeq: 1 ACK"])
        this.#callers.request(port, "BYE", uri, [...routes, from, to, callId, "CSeq: 2 BYE"], (bye) => end(bye.status === 200))
      })
    }
  }

  #portOf(entry: number): number {
    const { sipPorts } = this.#options
    return sipPorts[entry % sipPorts.length] ?? 0
  }

  /** Makes them all, some at a time; resolves with how many failed. */
  async #all(operations: readonly Operation[]): Promise<number> {
    let [next, failed] = [0, 0]
    const work = async (): Promise<void> => {
      for (let operation = operations[next++]; operation !== undefined; operation = operations[next++]) {
        if (!(await this.#inTime(operation))) failed++
      }
    }
    await Promise.all(Array.from({ length: width }, work))
    return failed
  }

  #inTime(operation: Operation): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#runtime.setTimer(this.#options.timeoutMs, () => resolve(false))
      operation((isDone) => {
        timer.cancel()
        resolve(isDone)
      })
    })
  }
}

/** Where requests within the dialog go. */
function dialogOf(response: SipResponse): { readonly uri: string; readonly routes: readonly string[] } {
  const contact = response.headers.get("Contact")
  const routes = response.headers.getAll("Record-Route").toReversed()
  return { uri: contact === undefined ? "" : parseNameAddress(contact).uri, routes: routes.map((route) => `Route: ${route}`) }
}
