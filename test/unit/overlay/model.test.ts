import { it } from "vitest"
import { compareWithMemory, modelLimits } from "../../backends/model.ts"
import { OverlayWorld } from "../../support/overlay-world.ts"

it("the overlay's storage answers any history as the memory backend does", () =>
  compareWithMemory({
    peers: 4,
    runs: 40,
    stepsPerRun: 30,
    virtualTime: true,
    createNetwork: async () => {
      const world = new OverlayWorld({ limits: modelLimits })
      const first = await world.add()
      let next: typeof first | undefined = first
      return {
        create: async () => {
          const { servlet } = next ?? (await world.add())
          next = undefined
          return servlet
        },
        bootstrap: () => (first.servlet.state === "joined" ? first.process.link.self.addresses : []),
        run: (work) => world.run(work),
        advance: (ms) => world.pass(ms),
        close: async () => undefined,
      }
    },
  }), 60_000)
