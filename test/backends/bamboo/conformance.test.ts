import { createBackend } from "../../../backends/bamboo/index.ts"
import { conformsEverywhere } from "../everywhere.ts"

conformsEverywhere("bamboo", createBackend)
