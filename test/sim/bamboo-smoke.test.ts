import { backend } from "../../backends/bamboo/index.ts"
import { keepsTheLaws } from "./smoke-suite.ts"

keepsTheLaws(backend)
