/** Where and of what a bench is made. */
import { spawnSync } from "node:child_process"
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os"
import type { Machine } from "./model.ts"

/** This machine, as it is now. */
export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.replaceAll(/\s+/g, " ").trim() ?? "unknown",
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
  }
}

/** The commit of the clone that this file is in, with "+" where something has been changed since; undefined elsewhere. */
export function thisCommit(): string | undefined {
  const git = (...args: readonly string[]): string | undefined => {
    const { status, stdout } = spawnSync("git", ["-C", import.meta.dirname, ...args], { encoding: "utf8" })
    return status === 0 ? stdout.trim() : undefined
  }
  // Installed as a package, this may lie within somebody else's clone.
  if (git("ls-files", "--error-unmatch", import.meta.filename) === undefined) return undefined
  const commit = git("rev-parse", "--short=10", "HEAD")
  return commit === undefined ? undefined : `${commit}${git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+"}`
}
