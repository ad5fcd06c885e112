/**
 * The operations under way at one servlet: bounded in number and time,
 * counted, and given up when their caller says so.
 */
import { P2PSipError } from "../errors.ts"
import type { ErrorCode } from "../errors.ts"
import type { Counter, Histogram, Runtime, Timer } from "../runtime/runtime.ts"

/** The operations that are counted apart. */
export type OperationName = "put" | "get" | "remove" | "putOrGet" | "update" | "lookup"

interface Operation {
  readonly name: OperationName
  readonly startedAt: number
  readonly reject: (error: unknown) => void
}

const secondsBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

/** See the head of this file. */
export class PendingOperations {
  readonly #runtime: Runtime
  readonly #timeoutMs: number
  readonly #max: number
  /** In the order in which they began, which is that of their deadlines: one timer serves all. */
  readonly #operations = new Set<Operation>()
  readonly #counters = new Map<string, Counter>()
  readonly #duration: Histogram
  #timer: Timer | undefined

  constructor(runtime: Runtime, timeoutMs: number, max: number) {
    this.#runtime = runtime
    this.#timeoutMs = timeoutMs
    this.#max = max
    this.#duration = runtime.metrics.histogram(
      "p2psip_servlet_operation_seconds",
      "Time that operations of the servlet took, whatever their outcome",
      secondsBuckets,
    )
  }

  get size(): number {
    return this.#operations.size
  }

  /** Starts the work and settles as it does, or earlier by time-out or abort. Work that is done at once is returned without a promise. */
  run<T>(name: OperationName, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>
  run<T>(name: OperationName, signal: AbortSignal | undefined, work: () => T | Promise<T>): T | Promise<T>
  run<T>(name: OperationName, signal: AbortSignal | undefined, work: () => T | Promise<T>): T | Promise<T> {
    if (this.#operations.size >= this.#max) {
      this.#count(name, "P2PSIP_LIMIT")
      return Promise.reject(
        new P2PSipError("P2PSIP_LIMIT", `${name}: expected fewer than ${this.#max} operations under way; try again later`),
      )
    }
    if (signal?.aborted === true) {
      this.#count(name, "P2PSIP_ABORTED")
      return Promise.reject(abortedError(name, signal))
    }
    const startedAt = this.#runtime.now()
    try {
      const outcome = work()
      if (outcome instanceof Promise) return this.#follow(outcome, { name, startedAt }, signal)
      this.#account(name, "ok", startedAt)
      return outcome
    } catch (error) {
      this.#account(name, codeOf(error), startedAt)
      return Promise.reject(asError(error))
    }
  }

  #follow<T>(work: Promise<T>, { name, startedAt }: Omit<Operation, "reject">, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const operation: Operation = { name, startedAt, reject: fail }
      const onAbort = signal === undefined ? undefined : () => fail(abortedError(name, signal))
      if (onAbort !== undefined) signal?.addEventListener("abort", onAbort)
      const end = (outcome: string): boolean => {
        if (!this.#operations.delete(operation)) return false
        if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort)
        this.#account(name, outcome, startedAt)
        return true
      }
      function fail(error: unknown): void {
        if (end(codeOf(error))) reject(asError(error))
      }
      this.#operations.add(operation)
      this.#arm()
      work.then((value) => {
        if (end("ok")) resolve(value)
      }, fail)
    })
  }

  /** Ends every operation that still waits. */
  rejectAll(error: P2PSipError): void {
    for (const operation of [...this.#operations]) operation.reject(error)
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    if (this.#timer !== undefined) return
    const [first] = this.#operations
    if (first === undefined) return
    const delayMs = Math.max(0, first.startedAt + this.#timeoutMs - this.#runtime.now())
    this.#timer = this.#runtime.setTimer(delayMs, () => this.#expire())
  }

  #expire(): void {
    this.#timer = undefined
    const startedBy = this.#runtime.now() - this.#timeoutMs
    for (const operation of this.#operations) {
      if (operation.startedAt > startedBy) break
      operation.reject(
        new P2PSipError("P2PSIP_TIMEOUT", `${operation.name}: expected an answer within ${this.#timeoutMs} ms, found none`),
      )
    }
    this.#arm()
  }

  /** An operation has ended. */
  #account(name: OperationName, outcome: string, startedAt: number): void {
    this.#count(name, outcome)
    this.#duration.observe((this.#runtime.now() - startedAt) / 1000)
  }

  #count(name: OperationName, outcome: string): void {
    const id = `${name} ${outcome}`
    let counter = this.#counters.get(id)
    if (counter === undefined) {
      const help = "Operations of the servlet by outcome: ok, or the error's code"
      counter = this.#runtime.metrics.counter("p2psip_servlet_operations_total", help, { operation: name, outcome })
      this.#counters.set(id, counter)
    }
    counter.add()
  }
}

/** The error of an operation whose caller gave it up. */
export function abortedError(name: string, signal: AbortSignal): P2PSipError {
  return new P2PSipError("P2PSIP_ABORTED", `${name}: given up by its caller`, { cause: signal.reason })
}

/** The code that stands for any error: its own, or that of our bugs. */
export function codeOf(error: unknown): ErrorCode | "internal" {
  return error instanceof P2PSipError ? error.code : "internal"
}

/** What was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
