/**
 * Laws are tried on what one seed draws, so that the same commit always gives the same verdict.
 * LAWS_SEED draws others, and LAWS_RUNS more of them: `LAWS_SEED=$RANDOM LAWS_RUNS=2000 npm run unit`.
 */
import fc from "fast-check"

const { LAWS_SEED: seed = "1", LAWS_RUNS: runs } = process.env

fc.configureGlobal({ seed: Number(seed), ...(runs === undefined ? {} : { numRuns: Number(runs) }) })
