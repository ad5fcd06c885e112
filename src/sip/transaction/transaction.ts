import type { SipMessage, SipRequest } from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import type { MachineActions } from "./machine.ts"
import type { TransactionSettings } from "./options.ts"
import { ListedTimer, type TimerLists, type TimerOwner } from "./timer-lists.ts"

/** What a transaction needs of the layer that keeps it. */
export interface TransactionHost {
  readonly settings: TransactionSettings
  readonly timers: TimerLists
  /** Calls back once the events at hand have been dealt with. */
  defer(callback: () => void): void
  /** The transaction of this key has ended. */
  forgetClient(key: string): void
  forgetServer(key: string, weightBytes: number): void
  /** An ACK that no transaction absorbs. */
  passStray(message: SipMessage, flow: Flow): void
  /** Sends a CANCEL in a client transaction of its own. */
  sendCancel(cancel: SipRequest, flow: Flow, branch: string): void
  /** Counts something that was left out on purpose. */
  countSuppressed(reason: string): void
  /** A user's callback threw. */
  reportDefect(error: unknown): void
  countRetransmission(kind: "request" | "response"): void
}

/** Timers, state and end: what all four kinds of transaction share. */
export abstract class Transaction<State extends string, Input extends string> implements MachineActions<State>, TimerOwner {
  readonly isReliable: boolean
  retransmitMs = 0
  protected readonly host: TransactionHost
  #retransmission: ListedTimer | undefined
  readonly #lifetime = new ListedTimer(this)
  #state: State
  #hasSettled = false
  #hasEnded = false

  constructor(host: TransactionHost, isReliable: boolean, state: State) {
    this.host = host
    this.isReliable = isReliable
    this.#state = state
  }

  get settings(): TransactionSettings {
    return this.host.settings
  }

  get state(): State {
    return this.#state
  }

  get isTerminated(): boolean {
    return this.#state === "terminated"
  }

  /** Feeds the machine. */
  step(input: Input): void {
    if (this.isTerminated) return
    this.run(input)
    if (this.isTerminated) this.#end()
    else if (this.isDone && !this.#hasSettled) {
      this.#hasSettled = true
      this.settle()
    }
  }

  /** Ends at once, without telling any other element. */
  abandon(): void {
    if (this.isTerminated) return
    this.enter("terminated" as State)
    this.#end()
  }

  enter(state: State): void {
    if (this.isTerminated) return
    this.#state = state
    if (!this.isTerminated) return
    this.stopRetransmission()
    this.stopLifetime()
    this.leaveTable()
  }

  startRetransmission(name: string, delayMs: number): void {
    this.retransmitMs = delayMs
    this.#retransmission ??= new ListedTimer(this)
    this.host.timers.start(this.#retransmission, name, delayMs)
  }

  stopRetransmission(): void {
    if (this.#retransmission === undefined) return
    this.host.timers.cancel(this.#retransmission)
    // Few start it again; all linger.
    this.#retransmission = undefined
  }

  startLifetime(name: string, delayMs: number): void {
    this.host.timers.start(this.#lifetime, name, delayMs)
  }

  startLinger(name: string, delayMs: number): void {
    this.host.timers.startPatiently(this.#lifetime, name, delayMs)
  }

  stopLifetime(): void {
    this.host.timers.cancel(this.#lifetime)
  }

  /** The names are those with which the machine itself started its timers. */
  onTimer(name: string): void {
    try {
      this.step(name as Input)
    } catch (error) {
      this.host.reportDefect(error)
    }
  }

  /** Nothing is left to do but to know retransmissions. */
  abstract readonly isDone: boolean
  protected abstract run(input: Input): void
  /** Lets go of what only the work needed; called once it is done, unless the transaction has ended by then. */
  protected abstract settle(): void
  protected abstract leaveTable(): void
  /** The last thing that happens to a transaction. */
  protected abstract ended(): void

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.ended()
  }
}
