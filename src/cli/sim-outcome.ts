/** How a simulation ended, told to people and to the shell; and numbers from the command line. */
import { P2PSipError } from "../errors.ts"
import type { Trial } from "../sim/fuzz.ts"

/** For the shell; 130 as after any interruption. */
export const simExitCodes = { clean: 0, badInput: 2, crash: 3, safety: 4, liveness: 5, interrupted: 130 } as const

/** Writes down which laws were broken. The result is the exit code. */
export function tell(trial: Trial): number {
  if (trial.error !== undefined) process.stdout.write(`crash: ${trial.error.stack ?? trial.error.message}\n`)
  for (const { kind, law, detail } of trial.report?.violations.slice(0, 20) ?? []) {
    process.stdout.write(`${kind}: ${law}: ${detail}\n`)
  }
  return exitCodeOf(trial)
}

function exitCodeOf({ error, report }: Trial): number {
  if (error !== undefined) return simExitCodes.crash
  if (report?.violations.some((violation) => violation.kind === "safety") === true) return simExitCodes.safety
  return (report?.violations.length ?? 0) > 0 ? simExitCodes.liveness : simExitCodes.clean
}

/** A flag's number, or `otherwise` where it is not given. Throws `P2PSIP_BAD_CONFIG`. */
export function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^\d{1,15}$/.test(text)) throw new P2PSipError("P2PSIP_BAD_CONFIG", `--${name}: expected a whole number, found ${JSON.stringify(text)}`)
  return Number(text)
}
