/** What processes cost: CPU time and resident memory, as the Linux kernel counts them. */
import { readdirSync, readFileSync } from "node:fs"

/** The kernel's clock ticks of user space; fixed at 100 a second on Linux. */
const tickMicroseconds = 10_000
const pageBytes = 4096

export interface ProcessCost {
  /** User and system time since the process began. */
  readonly cpuMicroseconds: number
  readonly residentBytes: number
}

/** The cost of one living process so far, without its children. */
export function costOf(pid: number): ProcessCost {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  // The name, in parentheses, may itself hold spaces: count fields after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const ticks = Number(fields[11]) + Number(fields[12])
  return { cpuMicroseconds: scheduledMicroseconds(pid) ?? ticks * tickMicroseconds, residentBytes: Number(fields[21]) * pageBytes }
}

/** How the CPU time of a process so far divides, in µs. */
export interface ProcessDivision {
  /** Of the thread that runs the program; the others compile, collect garbage, and work for the pool. That of V8's profiler is left out. */
  readonly mainThread: number
  readonly allThreads: number
  /** Within system calls, of all threads; counted in ticks of 10 ms. */
  readonly kernel: number
}

/** See {@link ProcessDivision}. */
export function divisionOf(pid: number): ProcessDivision {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const threads = readdirSync(`/proc/${pid}/task`).filter((thread) => !isProfiler(pid, thread))
  return {
    mainThread: threadMicroseconds(pid, `${pid}`),
    allThreads: threads.reduce((total, thread) => total + threadMicroseconds(pid, thread), 0),
    kernel: Number(fields[12]) * tickMicroseconds,
  }
}

/** V8's profiler has a thread of its own in the process that it watches. */
function isProfiler(pid: number, thread: string): boolean {
  return readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").startsWith("v8:Prof")
}

function threadMicroseconds(pid: number, thread: string): number {
  return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]) / 1000
}

/** What the scheduler has given to its threads, to the nanosecond; undefined where the kernel does not tell. */
function scheduledMicroseconds(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const sum = threads.reduce((total, thread) => total + threadMicroseconds(pid, thread), 0)
    return sum > 0 ? sum : undefined
  } catch {
    // A thread has ended between the two looks, or there are no such files.
    return undefined
  }
}

/** What the scheduler gave a process's main thread, and for how long others had the processors while it could have run. */
export interface Turns {
  readonly ranMicroseconds: number
  readonly waitedMicroseconds: number
}

/** Undefined where the kernel does not tell. */
export function turnsOf(pid: number): Turns | undefined {
  try {
    const [ran = NaN, waited = NaN] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ").map(Number)
    return { ranMicroseconds: ran / 1000, waitedMicroseconds: waited / 1000 }
  } catch {
    return undefined
  }
}

/** The summed cost of several. */
export function costOfAll(pids: readonly number[]): ProcessCost {
  let cpuMicroseconds = 0
  let residentBytes = 0
  for (const pid of pids) {
    const cost = costOf(pid)
    cpuMicroseconds += cost.cpuMicroseconds
    residentBytes += cost.residentBytes
  }
  return { cpuMicroseconds, residentBytes }
}

/** The living descendants of a process. */
export function childrenOf(pid: number): number[] {
  let text = ""
  try {
    text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
  } catch {
    // It has ended.
  }
  return text.split(" ").filter((word) => word.trim() !== "").map(Number).flatMap((child) => [child, ...childrenOf(child)])
}
