import { createBackend } from "../../../backends/kademlia/index.ts"
import { conformsEverywhere } from "../everywhere.ts"

conformsEverywhere("kademlia", createBackend)
