/** A process with peers, seen from the bench: started, asked, ended. */
import { fork } from "node:child_process"
import type { Answer, Ask, Hosted, HostPlan } from "./host-protocol.ts"
import type { Outcome } from "./open-loop.ts"
import { deathOf } from "./side.ts"
import type { Cost, TableLoad } from "./side.ts"
import type { Portion } from "./table-load.ts"

/** See the head of this file. */
export interface HostProcess {
  readonly hosted: Hosted
  readonly pid: number
  fill(portion: Portion): Promise<void>
  load(load: TableLoad): Promise<Outcome>
  cost(): Promise<Cost>
  /** Rejects when the process ends of its own accord. */
  readonly died: Promise<never>
  end(): Promise<void>
}

const program = new URL(import.meta.url.endsWith(".ts") ? "./peer-host.ts" : "./peer-host.js", import.meta.url)
/** Who has not stopped by then is killed; who has not ended by then cannot be asked for another reason. */
const endTimeoutMs = 2000
/** Longer than a peer itself looks for others. */
const startTimeoutMs = 90_000

/** Starts one. Rejects with what went wrong; `name` is what people call it. */
export async function startHost(name: string, plan: HostPlan): Promise<HostProcess> {
  const child = fork(program, { stdio: ["ignore", "ignore", "pipe", "ipc"] })
  const { died, die } = deathOf()
  let complaints = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    if (complaints.length < 2000) complaints += chunk.toString()
  })
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  // "close" comes after all that it has said, "exit" may come before.
  child.once("close", (code, signal) => {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`
    const said = complaintOf(complaints)
    die(`${name} has ended ${how}${said === "" ? "" : `: ${said}`}`)
  })
  let line: Promise<unknown> = Promise.resolve()
  /** One question after another: answers carry no name. */
  const ask = (question: Ask): Promise<Answer> => {
    const answer = line.then(() => new Promise<Answer>((resolve, reject) => {
      child.once("message", (said: Answer) => {
        if ("failed" in said) reject(new Error(`${name}: ${said.failed}`))
        else resolve(said)
      })
      child.send(question, (error) => {
        // Who cannot be asked is ending as a rule: how, `died` tells once that is known.
        if (error !== null) setTimeout(() => reject(error), endTimeoutMs).unref()
      })
    }))
    line = answer.catch(() => undefined)
    return Promise.race([answer, died])
  }
  const end = async (): Promise<void> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), endTimeoutMs)
    await ask({ ask: "end" }).catch(() => undefined)
    child.kill("SIGKILL")
    await exited
    clearTimeout(timer)
  }
  try {
    const started = await inTime(ask({ ask: "start", plan }), `${name} did not start within ${startTimeoutMs / 1000} s`)
    if (!("hosted" in started)) throw new Error(`${name}: expected a start, found another answer`)
    return {
      hosted: started.hosted,
      pid: child.pid ?? 0,
      fill: async (portion) => void (await ask({ ask: "fill", portion })),
      load: async (load) => pick(await ask({ ask: "load", load }), "outcome"),
      cost: async () => pick(await ask({ ask: "cost" }), "cost"),
      died,
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** Of all that a dying process writes, the line that says why: Node's error, or else the last. */
export function complaintOf(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "")
  const said = lines.find((line) => /^(?:\w*Error\b|.*\b(?:ERROR|CRITICAL):)/.test(line)) ?? lines.at(-1) ?? ""
  return said.slice(0, 200)
}

async function inTime<T>(answer: Promise<T>, complaint: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(complaint)), startTimeoutMs)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}

function pick<Name extends "outcome" | "cost">(answer: Answer, name: Name): Extract<Answer, Record<Name, unknown>>[Name] {
  if (name in answer) return (answer as Extract<Answer, Record<Name, unknown>>)[name]
  throw new Error(`expected an answer with ${name}, found ${Object.keys(answer).join()}`)
}
