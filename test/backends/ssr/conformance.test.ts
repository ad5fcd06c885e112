import { createBackend } from "../../../backends/ssr/index.ts"
import { conformsEverywhere } from "../everywhere.ts"

conformsEverywhere("ssr", createBackend)
