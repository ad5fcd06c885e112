import { createBackend } from "../../../backends/ssr/index.ts"
import { conformsSimulated } from "../everywhere.ts"

conformsSimulated("ssr", createBackend)
