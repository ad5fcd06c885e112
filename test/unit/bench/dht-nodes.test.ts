import { expect, test } from "vitest"
import { bittorrentDht, kadDht } from "../../../src/bench/peers/dht-nodes.ts"
import { workloadOf } from "../../../src/bench/workloads.ts"
import { setup } from "./reports.ts"

test.each([bittorrentDht, kadDht])("three nodes of $name keep what was put at one, and find it at each", async (kind) => {
  expect(kind.missing()).toBeUndefined()
  expect(kind.does(workloadOf("put"), setup)).toBe(true)
  expect(kind.does(workloadOf("register"), setup)).toBe(false)
  const side = await kind.start({ ...setup, peers: 3 })
  try {
    await side.fill?.(6)
    const load = { perSecond: 20, seconds: 0.5, timeoutMs: 30_000, users: 6, seed: "1" }
    for (const workload of ["lookup", "put"] as const) expect(await side.load?.({ ...load, workload })).toMatchObject({ failed: 0 })
    const unknown = await side.load?.({ ...load, workload: "lookup", users: 600 })
    expect(unknown?.failed).toBeGreaterThan(0)
    const { cpuMicroseconds, residentBytes } = await side.cost()
    expect(Math.min(cpuMicroseconds, residentBytes)).toBeGreaterThan(0)
  } finally {
    await side.end()
  }
})
