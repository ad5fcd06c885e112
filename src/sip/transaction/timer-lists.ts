/**
 * Many timers of few different delays, cheaply.
 *
 * Transactions start timers with a handful of delays (T1, its doublings, T4,
 * 64*T1) and stop most of them early. So there is one list per delay: whoever
 * starts later ends later, a list is always in order, and starting or stopping
 * a timer only relinks it. The earliest deadline is at one of the heads. One
 * timer of the Runtime serves them all.
 *
 * Timers that end what only lingers, for "at least" so long, are patient: they
 * wait for each other and fire together, for to wake the process costs more
 * than to end a transaction.
 */
import type { Runtime, Timer } from "../../runtime/runtime.ts"

/** Who has timers; `which` tells them apart. */
export interface TimerOwner {
  onTimer(which: string): void
}

/** One timer that can be started again and again. Its owner keeps it; no closure is made. */
export class ListedTimer {
  readonly owner: TimerOwner
  /** The name given at the last start. */
  which = ""
  deadline = 0
  list: TimerList | undefined
  previous: ListedTimer | undefined
  next: ListedTimer | undefined

  constructor(owner: TimerOwner) {
    this.owner = owner
  }

  get isRunning(): boolean {
    return this.list !== undefined
  }
}

/** How long patient timers wait for others. */
const patienceMs = 100

/** Timers of one delay, the earliest first. */
interface TimerList {
  /** So long after its deadline the head must have fired. */
  readonly patienceMs: number
  head: ListedTimer | undefined
  tail: ListedTimer | undefined
}

/** See the head of this file. Meant for delays that are constants of a stack: each new delay makes a list that stays. */
export class TimerLists {
  readonly #runtime: Runtime
  readonly #exact = new Map<number, TimerList>()
  readonly #patient = new Map<number, TimerList>()
  readonly #lists: TimerList[] = []
  #armed: Timer | undefined
  #armedFor = Infinity
  #size = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Timers that are running. */
  get size(): number {
    return this.#size
  }

  /** Starts the timer, or starts it anew if it is running. */
  start(timer: ListedTimer, which: string, delayMs: number): void {
    this.#start(timer, which, delayMs, this.#listOf(this.#exact, delayMs, 0))
  }

  /** The same for one that may be late by a tenth of a second. */
  startPatiently(timer: ListedTimer, which: string, delayMs: number): void {
    this.#start(timer, which, delayMs, this.#listOf(this.#patient, delayMs, patienceMs))
  }

  /** Stops the timer; harmless when it is not running. */
  cancel(timer: ListedTimer): void {
    const list = timer.list
    if (list === undefined) return
    if (timer.previous === undefined) list.head = timer.next
    else timer.previous.next = timer.next
    if (timer.next === undefined) list.tail = timer.previous
    else timer.next.previous = timer.previous
    timer.list = timer.previous = timer.next = undefined
    this.#size--
  }

  /** Stops every timer. */
  stop(): void {
    for (const list of this.#lists) {
      while (list.head !== undefined) this.cancel(list.head)
    }
    this.#armed?.cancel()
    this.#armed = undefined
    this.#armedFor = Infinity
  }

  #listOf(lists: Map<number, TimerList>, delayMs: number, patience: number): TimerList {
    let list = lists.get(delayMs)
    if (list === undefined) {
      list = { patienceMs: patience, head: undefined, tail: undefined }
      lists.set(delayMs, list)
      this.#lists.push(list)
    }
    return list
  }

  #start(timer: ListedTimer, which: string, delayMs: number, list: TimerList): void {
    this.cancel(timer)
    timer.which = which
    timer.deadline = this.#runtime.now() + delayMs
    timer.list = list
    timer.previous = list.tail
    if (list.tail === undefined) list.head = timer
    else list.tail.next = timer
    list.tail = timer
    this.#size++
    const latest = timer.deadline + list.patienceMs
    if (latest < this.#armedFor) this.#arm(latest)
  }

  #arm(at: number): void {
    this.#armed?.cancel()
    this.#armedFor = at
    this.#armed = this.#runtime.setTimer(Math.max(0, at - this.#runtime.now()), () => this.#fire())
  }

  /** Fires what is due, in the order of the deadlines, then waits for the next; stopped timers leave the wait early for nothing. */
  #fire(): void {
    this.#armed = undefined
    this.#armedFor = Infinity
    const now = this.#runtime.now()
    let next = this.#earliest()
    while (next !== undefined && next.deadline <= now) {
      this.cancel(next)
      next.owner.onTimer(next.which)
      next = this.#earliest()
    }
    let latest = Infinity
    for (const list of this.#lists) latest = Math.min(latest, (list.head?.deadline ?? Infinity) + list.patienceMs)
    if (latest < this.#armedFor) this.#arm(latest)
  }

  #earliest(): ListedTimer | undefined {
    let earliest: ListedTimer | undefined
    for (const { head } of this.#lists) {
      if (head !== undefined && (earliest === undefined || head.deadline < earliest.deadline)) earliest = head
    }
    return earliest
  }
}
