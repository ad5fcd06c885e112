/** Who tries the seeds of a fuzzing session: this process, or others that run the same command. */
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { P2PSipError } from "../errors.ts"

/** What became of one seed. */
export interface SeedOutcome {
  readonly seed: number
  readonly isClean: boolean
  readonly virtualMs: number
  readonly events: number
}

/** Tries one seed at a time. */
export interface SeedTrier {
  try(seed: number): Promise<SeedOutcome>
  stop(): void
}

/** In this process. */
export class LocalTrier implements SeedTrier {
  readonly #try: (seed: number) => Promise<SeedOutcome>

  constructor(trySeed: (seed: number) => Promise<SeedOutcome>) {
    this.#try = trySeed
  }

  async try(seed: number): Promise<SeedOutcome> {
    const outcome = await this.#try(seed)
    // A turn of the event loop, for signals and progress.
    await new Promise((resolve) => setImmediate(resolve))
    return outcome
  }

  stop(): void {
    // Nothing goes on between two seeds.
  }
}

/** In a process of its own: this command once more, with `--worker`. */
export class WorkerTrier implements SeedTrier {
  readonly #child: ChildProcess

  constructor() {
    const [, program = "", ...args] = process.argv
    this.#child = fork(program, [...args, "--worker"])
  }

  try(seed: number): Promise<SeedOutcome> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new P2PSipError("P2PSIP_DEFECT", `the worker process ended while it tried seed ${seed}`))
      child.once("exit", onExit)
      child.once("message", (outcome) => {
        child.off("exit", onExit)
        resolve(outcome as SeedOutcome)
      })
      child.send(seed)
    })
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}

/** The other side: tries what it is sent; the process ends when the session lets go of it. */
export function serveSeeds(trySeed: (seed: number) => Promise<SeedOutcome>): void {
  // The terminal interrupts all processes; the session decides what to do.
  process.on("SIGINT", () => undefined)
  process.on("message", (seed) => {
    void trySeed(Number(seed)).then((outcome) => process.send?.(outcome))
  })
  process.once("disconnect", () => process.exit())
}
