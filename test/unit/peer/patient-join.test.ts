import { expect, test } from "vitest"
import { P2PSipError } from "../../../src/errors.ts"
import { joinPatiently } from "../../../src/peer/patient-join.ts"
import { Simulation } from "../../../src/sim/index.ts"

const nobody = new P2PSipError("P2PSIP_BOOTSTRAP_FAILED", "none of them could be reached")

/** A servlet that fails so often before it joins, and when it was asked to. */
function servlet(failures: readonly Error[], now: () => number) {
  const left = [...failures]
  const askedAt: number[] = []
  const join = (): Promise<void> => {
    askedAt.push(now())
    const failure = left.shift()
    return failure === undefined ? Promise.resolve() : Promise.reject(failure)
  }
  return { askedAt, join }
}

async function tried(failures: readonly Error[], patienceMs: number) {
  const simulation = new Simulation({ seed: 1 })
  const { runtime } = simulation.addPeer("a")
  const found = servlet(failures, () => runtime.now() - startedAt)
  const startedAt = runtime.now()
  const outcome = joinPatiently({ runtime, servlet: found }, { bootstrap: ["b"], patienceMs }).then(() => "joined", (error: unknown) => error)
  return { outcome: await simulation.wait(outcome), askedAt: found.askedAt }
}

test("whoever finds nobody asks again, ever less often, until somebody is there", async () => {
  expect(await tried([nobody, nobody, nobody], 30_000)).toEqual({ outcome: "joined", askedAt: [0, 250, 750, 1750] })
})

test("patience ends with the last failure", async () => {
  const { outcome, askedAt } = await tried(Array.from({ length: 100 }, () => nobody), 10_000)
  expect(outcome).toBe(nobody)
  expect(askedAt).toEqual([0, 250, 750, 1750, 3750, 7750])
})

test("without patience one attempt is all", async () => {
  expect((await tried([nobody], 0)).askedAt).toEqual([0])
})

test("no other failure is waited out", async () => {
  const stopped = new P2PSipError("P2PSIP_NOT_OPEN", "the peer is stopping")
  expect(await tried([nobody, stopped], 30_000)).toEqual({ outcome: stopped, askedAt: [0, 250] })
})
