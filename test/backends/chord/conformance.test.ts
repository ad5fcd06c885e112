import { createBackend } from "../../../backends/chord/index.ts"
import { conformsEverywhere } from "../everywhere.ts"

conformsEverywhere("chord", createBackend)
