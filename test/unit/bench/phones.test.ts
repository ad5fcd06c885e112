/** Phones against a registrar that is somebody else's. */
import { expect, test } from "vitest"
import { sipPackage } from "../../../src/bench/peers/sip-package.ts"
import { SipWork } from "../../../src/bench/sip-work.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"

test("phones register, register again and go, at a registrar of the npm package sip", async () => {
  const side = await sipPackage.start({ kind: "processes", peers: 1, entry: "spread", storage: "memory" })
  const work = await SipWork.open(new NodeRuntime({}, { log: silentLogger, metrics: noMetrics }), { sipPorts: side.sipPorts, users: 5, timeoutMs: 20_000, seed: "1" })
  try {
    expect(await work.prepare()).toBe(0)
    for (const name of ["register", "refresh", "remove"] as const) {
      expect(await work.load({ name, perSecond: 500 }, 0.02)).toMatchObject({ failed: 0 })
    }
    expect(await side.cost()).toMatchObject({ cpuMicroseconds: expect.any(Number) as number })
  } finally {
    work.close()
    await side.end()
  }
})

test("a side's process that is ended by somebody else is told in one line", async () => {
  const side = await sipPackage.start({ kind: "processes", peers: 1, entry: "spread", storage: "memory" })
  const other = await side.cost()
  expect(other.residentBytes).toBeGreaterThan(0)
  await side.end()
  await expect(side.died).rejects.toThrow(/^sip has ended by SIGKILL/)
})
