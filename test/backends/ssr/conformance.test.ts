import { createBackend } from "../../../backends/ssr/index.ts"
import { conformsEverywhere } from "../everywhere.ts"

// Rounds are short: on the networks that take real time a join waits for one to pass without a change.
conformsEverywhere("ssr", (components) => createBackend(components, { minStabilizeMs: 50 }))
