/** The experiments by name. */
import { costs } from "./costs.ts"
import type { Experiment } from "./experiment.ts"
import { halfCrash } from "./half-crash.ts"
import { halves } from "./halves.ts"
import { paths } from "./paths.ts"
import { sessions } from "./sessions.ts"

export type { Bar, Experiment, ExperimentChoice, Trial } from "./experiment.ts"

/** The table. */
export const experiments: Readonly<Record<string, Experiment>> = { sessions, paths, "half-crash": halfCrash, halves, costs }
