import { backend } from "../../backends/kademlia/index.ts"
import { keepsTheLaws } from "./smoke-suite.ts"

keepsTheLaws(backend)
