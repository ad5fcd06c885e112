/** `p2psip bench seeds`: the measurements of 2007 made again, side by side. */
import type { SeedsChoice } from "../bench/seeds.ts"
import { seedsQuestion, seedsSides } from "../bench/seeds.ts"
import { writeSeedsPage } from "../bench/seeds-page.ts"
import { readNumber, readNumbers } from "./bench-choice.ts"
import { runQuestion } from "./bench-run.ts"

export interface SeedsFlags {
  readonly nodes?: string
  readonly seconds?: string
  readonly runs?: string
  readonly users?: string
  readonly html?: string
  readonly json?: string
}

/** What is measured where nothing else is said. */
export const seedsDefaults = { nodes: "1,2,4,6,8,10", seconds: "2", runs: "1", users: "1000" } as const

/** The exit code: as that of `compare`. */
export function runSeeds(flags: SeedsFlags): Promise<number> {
  const html = flags.html ?? "p2psip-seeds.html"
  const write = async (report: Parameters<typeof writeSeedsPage>[0]): Promise<string> => writeSeedsPage(report)
  return runQuestion(seedsQuestion(chooseSeeds(flags)), seedsSides(), { html, json: flags.json, writePage: write })
}

/** What the flags say. Throws `P2PSIP_BAD_CONFIG`. */
export function chooseSeeds(flags: SeedsFlags): SeedsChoice {
  return {
    nodes: readNumbers("nodes", flags.nodes ?? seedsDefaults.nodes, { least: 1, most: 64 }).sort((a, b) => a - b),
    seconds: readNumber("seconds", flags.seconds ?? seedsDefaults.seconds, { least: 0.05, most: 3600, isWhole: false }),
    rounds: readNumber("runs", flags.runs ?? seedsDefaults.runs, { least: 1, most: 1000 }),
    users: readNumber("users", flags.users ?? seedsDefaults.users, { least: 1, most: 1_000_000 }),
  }
}
