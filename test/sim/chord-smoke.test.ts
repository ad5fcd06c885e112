import { backend } from "../../backends/chord/index.ts"
import { keepsTheLaws } from "./smoke-suite.ts"

keepsTheLaws(backend)
