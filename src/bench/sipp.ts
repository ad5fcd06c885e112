/** Runs SIPp, an independent SIP load generator, and reads its own statistics. */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
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
  /** `u1` UDP, `t1` one TCP connection. @default u1 */
  readonly transport?: "u1" | "t1"
  readonly calls?: number
  readonly callsPerSecond?: number
  readonly maxOpenCalls?: number
  readonly timeoutSeconds?: number
}

export interface SippResult {
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
  readonly elapsedSeconds: number
  /** Response time (first request to final answer), in milliseconds. */
  readonly responseMs: { readonly mean: number; readonly deviation: number }
  /** What the scenario's `<log>` actions wrote, line by line. */
  readonly log: readonly string[]
  /** What SIPp complained of, at most 2,000 characters. */
  readonly complaints: string
}

export interface SippRun {
  readonly pid: number
  readonly done: Promise<SippResult>
  stop(): void
}

/** Starts SIPp. `done` rejects only when SIPp cannot be run at all. */
export function startSipp(options: SippOptions): SippRun {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-sipp-"))
  const path = (name: string): string => join(folder, name)
  writeFileSync(path("scenario.xml"), options.scenario)
  const args = ["-sf", path("scenario.xml"), "-i", "127.0.0.1", "-nostdin", "-t", options.transport ?? "u1"]
  args.push("-trace_stat", "-stf", path("statistics.csv"), "-fd", "1", "-trace_err", "-error_file", path("errors.log"))
  args.push("-watchdog_interval", "0", "-timer_resol", "1")
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
  const child = spawn("sipp", [...args, options.remote], { stdio: "ignore" })
  const done = new Promise<SippResult>((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", () => {
      try {
        resolve({
          ...readStatistics(path("statistics.csv")),
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
  return { pid: child.pid ?? 0, done, stop: () => void child.kill("SIGTERM") }
}

/** Runs SIPp to its end. */
export function runSipp(options: SippOptions): Promise<SippResult> {
  return startSipp(options).done
}

function readStatistics(file: string): Omit<SippResult, "complaints" | "log"> {
  const lines = readIfThere(file).trim().split("\n")
  if (lines.length < 2) throw new Error("SIPp wrote no statistics: is the package sip-tester installed, and the port free?")
  const names = (lines[0] ?? "").split(";")
  const last = (lines.at(-1) ?? "").split(";")
  const field = (name: string): string => last[names.indexOf(name)] ?? ""
  return {
    successful: Number(field("SuccessfulCall(C)")),
    failed: Number(field("FailedCall(C)")),
    retransmissions: Number(field("Retransmissions(C)")),
    elapsedSeconds: clockSeconds(field("ElapsedTime(C)")),
    responseMs: {
      mean: clockSeconds(field("ResponseTime1(C)")) * 1000,
      deviation: clockSeconds(field("ResponseTime1StDev(C)")) * 1000,
    },
  }
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
