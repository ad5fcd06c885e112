/**
 * What the four state machines have in common.
 *
 * A machine is a record with one function per state. The function looks at one
 * input and acts through the transaction that it is given: it enters states,
 * starts timers, sends, tells the user. Nothing in a machine knows of sockets,
 * clocks or tables.
 */
import type { TransactionSettings } from "./options.ts"

/** One function for each state but `terminated`, in which there is nothing left to do. */
export type Machine<State extends string, Input, Self> = Readonly<Record<Exclude<State, "terminated">, (self: Self, input: Input) => void>>

/** How a machine acts. Each transaction has two timers, which the RFCs call by fifteen letters. */
export interface MachineActions<State extends string> {
  readonly settings: TransactionSettings
  readonly state: State
  /** The flow is a stream: nothing is retransmitted, and nothing needs to be waited for afterwards. */
  readonly isReliable: boolean
  /** The interval of the retransmission timer that was started last. */
  retransmitMs: number
  /** `terminated` also stops the timers and takes the transaction out of the tables. */
  enter(state: State): void
  /** Starts (or starts anew) the timer of timers A, E, G and of the 100. */
  startRetransmission(name: string, delayMs: number): void
  stopRetransmission(): void
  /** Starts (or starts anew) the timer of all other letters. */
  startLifetime(name: string, delayMs: number): void
  /** Starts the same timer where there is nothing left but to absorb what comes late: it may be late itself. */
  startLinger(name: string, delayMs: number): void
  stopLifetime(): void
}

/** A client machine's own actions. "The response" is the one that is the input. */
export interface ClientActions<State extends string> extends MachineActions<State> {
  sendRequest(): void
  /** Makes the ACK for the response (RFC 3261 §17.1.1.3) and sends it. */
  sendAck(): void
  passResponse(): void
  reportTimeout(): void
  reportTransportError(): void
}

/** A server machine's own actions. "The response" is the one that the user passed. */
export interface ServerActions<State extends string> extends MachineActions<State> {
  /** Whether any response has been sent, a 100 included. */
  readonly hasResponded: boolean
  /** Sends the response and keeps its bytes for `resend`. */
  sendResponse(): void
  /** Sends the response kept last, if there is one. */
  resend(): void
  /** Makes a 100 and sends it as if the user had passed it. */
  sendTrying(): void
  /** Hands the ACK at hand to whoever takes strays. */
  passAck(): void
}
