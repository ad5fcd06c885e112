import { expect, test } from "vitest"
import { backend } from "../../../backends/chord/index.ts"
import { channels } from "../../../src/link/link.ts"
import { Simulation } from "../../../src/sim/index.ts"
import { runScenario } from "../../../src/sim/run-scenario.ts"

test("a peer behind a NAT is answered, and cannot be dialled", async () => {
  const simulation = new Simulation({ seed: 1, latency: 10 })
  const [open, natted] = [simulation.addPeer("open"), simulation.addPeer("natted", { isNatted: true })]
  await simulation.wait(Promise.all([open.link.start(), natted.link.start()]))
  const got: string[] = []
  for (const { name, link } of [open, natted]) link.onFrame(channels.overlay, (from) => void got.push(`${from} to ${name}`))
  expect(natted.link.self.addresses).toEqual([])
  await expect(simulation.wait(open.link.resolve("/sim/natted"))).rejects.toMatchObject({ code: "P2PSIP_UNREACHABLE" })
  open.link.learn({ peerId: "natted", addresses: ["/sim/natted"] })
  open.link.send("natted", channels.overlay, Uint8Array.of(1))
  await simulation.run(1000)
  expect(got).toEqual([])
  expect(simulation.network.dropped.natted).toBe(1)
  await simulation.wait(natted.link.resolve("/sim/open"))
  natted.link.send("open", channels.overlay, Uint8Array.of(2))
  await simulation.run(1000)
  open.link.send("natted", channels.overlay, Uint8Array.of(3))
  await simulation.run(1000)
  expect(got).toEqual(["natted to open", "open to natted"])
})

test("an overlay refuses peers that nobody can reach, and keeps its laws", async () => {
  const report = await runScenario({
    seed: 4, peers: 12, nattedShare: 0.3, lookups: { perSecond: 5 },
    registrations: { phones: 20, meanIntervalMs: 3000 },
    faults: [{ atMs: 0, kind: "crash", victims: 1 }, { atMs: 20_000, kind: "join", newcomers: 5 }],
    faultsMs: 60_000,
  }, { backend })
  expect(report.violations).toEqual([])
  expect(report.peersAtEnd).toBeLessThan(14)
  expect(report.peersAtEnd).toBeGreaterThan(6)
  expect(report.reads?.inconsistent).toBe(0)
})
