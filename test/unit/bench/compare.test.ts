import { expect, test } from "vitest"
import { compare } from "../../../src/bench/compare.ts"
import type { Question } from "../../../src/bench/model.ts"
import { deathOf } from "../../../src/bench/side.ts"
import type { Side, SideKind } from "../../../src/bench/side.ts"
import { setup } from "./reports.ts"

const question: Question = {
  backends: [], outside: [], workloads: ["lookup", "put"], setups: [setup], rounds: 3, seconds: 0.001, warmUpSeconds: 0, users: 5, simulatedPeers: [], rateFactor: 1,
}

interface Behaviour {
  /** Called before each load; may throw, or kill. */
  readonly onLoad?: (name: string, die: (line: string) => void) => void
  readonly missing?: string
}

class Scripted {
  readonly kind: SideKind
  started = 0
  ended = 0

  constructor(name: string, { onLoad = () => undefined, missing }: Behaviour = {}) {
    const start = async (): Promise<Side> => {
      this.started++
      const { died, die } = deathOf()
      let cpuMicroseconds = 0
      return {
        sipPorts: [],
        load: async ({ workload }) => {
          onLoad(workload, die)
          await new Promise(setImmediate)
          cpuMicroseconds += 1000
          return { done: 10, failed: 0, latenciesMs: Array.from({ length: 10 }, () => 1), lagMs: 0 }
        },
        cost: async () => ({ cpuMicroseconds, residentBytes: 1 }),
        died,
        end: async () => void this.ended++,
      }
    }
    this.kind = { name, about: "", does: () => true, missing: () => missing, start }
  }
}

test("sides take turns, each round in another order, and every side that was started is ended", async () => {
  const [a, b] = [new Scripted("a"), new Scripted("b")]
  const order: string[] = []
  const { measurements, flaws } = await compare(question, [a.kind, b.kind], {
    settleMs: 0,
    onStep: ({ text }) => {
      if (text.endsWith(": start")) order.push(text.replace(/round (\d).*, ([ab]),.*/, "$1$2"))
    },
  })
  expect(order).toEqual(["1a", "1b", "2b", "2a", "3a", "3b"])
  expect(measurements.map(({ side, workload, runs }) => [side, workload, runs.map(({ round }) => round)])).toEqual([
    ["a", "lookup", [1, 2, 3]], ["a", "put", [1, 2, 3]], ["b", "lookup", [1, 2, 3]], ["b", "put", [1, 2, 3]],
  ])
  expect(measurements[0]?.runs[0]).toMatchObject({ done: 10, failed: 0, cpuMicroseconds: 1000 })
  expect(flaws).toEqual([])
  expect([a.ended, b.ended]).toEqual([3, 3])
})

test("a side that dies keeps what it had measured, is marked, and the others go on", async () => {
  let loads = 0
  const mortal = new Scripted("mortal", {
    onLoad: (_, die) => {
      if (++loads === 4) die("mortal, peer 2 has ended by SIGKILL")
    },
  })
  const other = new Scripted("other")
  const { measurements, flaws } = await compare(question, [mortal.kind, other.kind], { settleMs: 0 })
  expect(flaws).toEqual([{ side: "mortal", round: 2, what: "mortal, peer 2 has ended by SIGKILL, during put" }])
  const rounds = (side: string, name: string) => measurements.find((one) => one.side === side && one.workload === name)?.runs.map(({ round }) => round)
  expect(rounds("mortal", "lookup")).toEqual([1, 2, 3])
  expect(rounds("mortal", "put")).toEqual([1, 3])
  expect(rounds("other", "put")).toEqual([1, 2, 3])
  expect([mortal.ended, other.ended]).toEqual([3, 3])
})

test("a side that does not start is marked in one line; one that is absent is skipped", async () => {
  const broken = new Scripted("broken")
  const kind: SideKind = { ...broken.kind, start: async () => Promise.reject(new Error("the port\n  is taken")) }
  const absent = new Scripted("absent", { missing: "there is none" })
  const { measurements, flaws, skipped } = await compare({ ...question, rounds: 1 }, [kind, absent.kind], { settleMs: 0 })
  expect(flaws).toEqual([{ side: "broken", round: 1, what: "the port is taken" }])
  expect(skipped).toEqual([{ side: "absent", what: "there is none" }])
  expect([measurements, absent.started]).toEqual([[], 0])
})

test("an interruption ends the bench after what is being measured, and what there is remains", async () => {
  const interruption = new AbortController()
  const side = new Scripted("side", { onLoad: () => interruption.abort() })
  const { measurements, flaws } = await compare(question, [side.kind], { settleMs: 0, signal: interruption.signal })
  expect(measurements.map(({ workload, runs }) => [workload, runs.length])).toEqual([["lookup", 1]])
  expect(flaws).toMatchObject([{ side: "bench" }])
  expect([side.started, side.ended]).toEqual([1, 1])
})
