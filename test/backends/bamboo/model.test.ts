import { it } from "vitest"
import { createBackend } from "../../../backends/bamboo/index.ts"
import { compareWithMemory, modelLimits } from "../model.ts"
import { simulatedNetwork } from "../networks.ts"

it("bamboo answers any history as the memory backend does", () =>
  compareWithMemory({
    peers: 4,
    runs: 25,
    stepsPerRun: 30,
    virtualTime: true,
    createNetwork: () => simulatedNetwork((components) => createBackend(components, { limits: modelLimits }), 1),
  }), 60_000)
