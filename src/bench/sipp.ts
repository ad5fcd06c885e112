/** Runs SIPp, an independent SIP load generator, and reads its own statistics. */
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface SippOptions {
  /** The scenario's XML. */
  readonly scenario: string
  /** The XML of a scenario for requests that belong to no call of this one: a phone that registers and is called. */
  readonly outOfCallScenario?: string
  /** The CSV file to inject. */
  readonly injected?: string
  readonly remote: string
  readonly localPort?: number
  /** `u1` UDP, `t1` one TCP connection, `l1` one of TLS (where SIPp was built with it). @default u1 */
  readonly transport?: "u1" | "t1" | "l1"
  /** The address to send from; an IPv6 one without brackets. @default 127.0.0.1 */
  readonly localAddress?: string
  readonly calls?: number
  readonly callsPerSecond?: number
  readonly maxOpenCalls?: number
  readonly timeoutSeconds?: number
  /** Ends SIPp after this time, whatever is still open: for loads that no server can take. */
  readonly cutSeconds?: number
  /** Notes each response time, for percentiles. @default false */
  readonly withResponseTimes?: boolean
  /** Counts response times below each of these instead, in ascending order: for loads of hours. */
  readonly responseBoundsMs?: readonly number[]
  /** The only processor to run on. */
  readonly processor?: number
  /** The command that runs it elsewhere, such as `ip netns exec NAME`. */
  readonly inside?: readonly string[]
}

/** Where a run stood at one moment; SIPp notes it once a second. */
export interface SippSample {
  readonly elapsedSeconds: number
  readonly created: number
  readonly successful: number
  /** Of the successful ones, those that ended with a 503. */
  readonly refused: number
  readonly failed: number
  readonly retransmissions: number
  /** One number for each of the `responseBoundsMs`, and one for what took longer; each response is in one of them. */
  readonly responseCounts: readonly number[]
}

export interface SippResult extends SippSample {
  readonly samples: readonly SippSample[]
  /** Response time (first request to final answer), in milliseconds. */
  readonly responseMs: { readonly mean: number; readonly deviation: number }
  /** Each response time in milliseconds, in ascending order; empty unless asked for. */
  readonly sortedResponseMs: readonly number[]
  /** What the scenario's `<log>` actions wrote, line by line. */
  readonly log: readonly string[]
  /** What SIPp complained of, at most 2,000 characters. */
  readonly complaints: string
}

export interface SippRun {
  readonly pid: number
  readonly done: Promise<SippResult>
  /** Where it stands, at most a second old; undefined before the first note. */
  latest(): SippSample | undefined
  stop(): void
}

/** Starts SIPp. `done` rejects only when SIPp cannot be run at all. */
export function startSipp(options: SippOptions): SippRun {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-sipp-"))
  const path = (name: string): string => join(folder, name)
  writeFileSync(path("scenario.xml"), withBounds(options.scenario, options.responseBoundsMs ?? []))
  const args = ["-sf", path("scenario.xml"), "-i", options.localAddress ?? "127.0.0.1", "-nostdin", "-t", options.transport ?? "u1"]
  args.push("-trace_stat", "-stf", path("statistics.csv"), "-fd", "1", "-trace_err", "-error_file", path("errors.log"))
  args.push("-watchdog_interval", "0", "-timer_resol", "1")
  // By default as little as comes in some hundredths of a second: where SIPp has to wait for a processor, the kernel drops the rest.
  args.push("-buff_size", String(4 * 1024 * 1024))
  args.push("-trace_logs", "-log_file", path("actions.log"))
  if (options.outOfCallScenario !== undefined) {
    writeFileSync(path("out-of-call.xml"), options.outOfCallScenario)
    args.push("-oocsf", path("out-of-call.xml"))
  }
  if (options.injected !== undefined) {
    writeFileSync(path("injected.csv"), options.injected)
    args.push("-inf", path("injected.csv"))
  }
  if (options.localPort !== undefined) args.push("-p", String(options.localPort))
  if (options.calls !== undefined) args.push("-m", String(options.calls))
  if (options.callsPerSecond !== undefined) args.push("-r", String(options.callsPerSecond))
  if (options.maxOpenCalls !== undefined) args.push("-l", String(options.maxOpenCalls))
  if (options.timeoutSeconds !== undefined) args.push("-timeout", String(options.timeoutSeconds))
  if (options.withResponseTimes === true) args.push("-trace_rtt", "-rtt_freq", "100")
  const pinned = options.processor === undefined ? [] : ["taskset", "-c", String(options.processor)]
  const [program = "sipp", ...rest] = [...(options.inside ?? []), ...pinned, "sipp", ...args, options.remote]
  const child = spawn(program, rest, { stdio: "ignore", cwd: folder })
  const { cutSeconds } = options
  const cut = cutSeconds === undefined ? undefined : setTimeout(() => void child.kill("SIGKILL"), cutSeconds * 1000)
  const done = new Promise<SippResult>((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", () => {
      clearTimeout(cut)
      try {
        resolve({
          ...readStatistics(path("statistics.csv")),
          sortedResponseMs: readResponseTimes(folder),
          log: readIfThere(path("actions.log")).split("\n").filter((line) => line !== ""),
          complaints: readIfThere(path("errors.log")).slice(0, 2000),
        })
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })
  return { pid: child.pid ?? 0, done, latest: () => readSamples(path("statistics.csv")).samples.at(-1), stop: () => void child.kill("SIGTERM") }
}

/** Runs SIPp to its end. */
export function runSipp(options: SippOptions): Promise<SippResult> {
  return startSipp(options).done
}

function withBounds(scenario: string, boundsMs: readonly number[]): string {
  if (boundsMs.length === 0) return scenario
  return scenario.replace("</scenario>", `  <ResponseTimeRepartition value="${boundsMs.join(", ")}"/>\n</scenario>`)
}

function readStatistics(file: string): Omit<SippResult, "complaints" | "log" | "sortedResponseMs"> {
  const { samples, last } = readSamples(file)
  const sample = samples.at(-1)
  if (sample === undefined) throw new Error("SIPp wrote no statistics: is the package sip-tester installed, and the port free?")
  return {
    ...sample,
    samples,
    responseMs: {
      mean: clockSeconds(last("ResponseTime1(C)")) * 1000,
      deviation: clockSeconds(last("ResponseTime1StDev(C)")) * 1000,
    },
  }
}

type FieldReader = (name: string) => string

function readSamples(file: string): { readonly samples: readonly SippSample[]; readonly last: FieldReader } {
  // A line that SIPp is about to write has no end yet.
  const [header = "", ...lines] = readIfThere(file).split("\n").slice(0, -1)
  const names = header.split(";")
  const histogram = [...names.keys()].filter((index) => names[index]?.startsWith("ResponseTimeRepartition1_"))
  const readers = lines.map((line) => {
    const fields = line.split(";")
    return { fields, read: (name: string) => fields[names.indexOf(name)] ?? "" }
  })
  const samples = readers.map(({ fields, read }) => ({
    elapsedSeconds: clockSeconds(read("ElapsedTime(C)")),
    created: Number(read("TotalCallCreated")),
    successful: Number(read("SuccessfulCall(C)")),
    refused: Number(read("GenericCounter1(C)")),
    failed: Number(read("FailedCall(C)")),
    retransmissions: Number(read("Retransmissions(C)")),
    responseCounts: histogram.map((index) => Number(fields[index])),
  }))
  return { samples, last: readers.at(-1)?.read ?? (() => "") }
}

/** SIPp writes `DATE;MILLISECONDS;NAME` lines. */
function readResponseTimes(folder: string): number[] {
  const file = readdirSync(folder).find((name) => name.endsWith("_rtt.csv"))
  if (file === undefined) return []
  const times = readIfThere(join(folder, file)).split("\n").slice(1).map((line) => Number(line.split(";")[1]))
  return times.filter((time) => !Number.isNaN(time)).sort((a, b) => a - b)
}

/** `00:00:12:345678` or `00:00:12.345` → 12.345 */
function clockSeconds(text: string): number {
  const [hours = "0", minutes = "0", seconds = "0", micros = "0"] = text.split(/[:.]/)
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(`0.${micros}`)
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}
