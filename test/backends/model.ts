/**
 * Random histories of operations, run on a backend and on the memory backend
 * side by side: every answer and every refusal must be the same.
 */
import fc from "fast-check"
import { expect } from "vitest"
import { MemoryServlet } from "../../backends/memory/index.ts"
import { P2PSipError } from "../../src/errors.ts"
import type { Mutation, P2PSipServlet, Precondition, Value } from "../../src/servlet/index.ts"
import type { Network } from "../conformance/index.ts"
import { ManualRuntime } from "../support/manual-runtime.ts"

/** One step of a history. `at` chooses the servlet, modulo their number. */
type Step =
  | {
      readonly name: "update"
      readonly at: number
      readonly key: string
      readonly mutations: readonly Mutation[]
      readonly preconditions: readonly Precondition[]
      readonly operationId: Uint8Array
    }
  | { readonly name: "get"; readonly at: number; readonly key: string }
  | { readonly name: "advance"; readonly seconds: number }

/** Limits of both sides: small, so that histories meet them. */
export const modelLimits = { maxValuesPerKey: 3 }

/** A pause lasts a whole number of these, a life an odd number of halves: no value ends just when it is looked at. */
const pauseSeconds = 200

// Few keys, hashes and series, so that steps meet.
const key = fc.constantFrom("a", "b")
const valueHash = fc.constantFrom("1", "2", "3", "4")
const value = fc.constantFrom("x", "y", "z")
const ttlSeconds = fc.nat({ max: 9 }).map((count) => (count + 0.5) * pauseSeconds)
const sequence = fc.record({ series: fc.constantFrom("p", "q"), number: fc.nat({ max: 6 }) })
const maybeSequence = fc.oneof(fc.constant({}), fc.record({ sequence }))

const put = fc
  .tuple(fc.record({ value, valueHash, ttlSeconds }), maybeSequence)
  .map(([fields, rest]) => ({ kind: "put" as const, ...fields, ...rest }))
const remove = fc
  .tuple(fc.record({ valueHash }), maybeSequence)
  .map(([fields, rest]) => ({ kind: "remove" as const, ...fields, ...rest }))
const removeAll = maybeSequence.map((rest) => ({ kind: "removeAll" as const, ...rest }))
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 2, arbitrary: remove },
  { weight: 1, arbitrary: removeAll },
)
const precondition: fc.Arbitrary<Precondition> = fc.oneof(
  fc.constant({ kind: "empty" as const }),
  fc.record({ kind: fc.constantFrom("exists" as const, "absent" as const), valueHash }),
)

const at = fc.nat({ max: 10 })
const update: fc.Arbitrary<Step> = fc.record({
  name: fc.constant("update" as const),
  at,
  key,
  mutations: fc.array(mutation, { minLength: 1, maxLength: 3 }),
  preconditions: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(precondition, { maxLength: 2 }) },
  ),
  operationId: fc.oneof(
    { weight: 4, arbitrary: fc.uint8Array({ minLength: 8, maxLength: 8 }) },
    { weight: 1, arbitrary: fc.constantFrom(1, 2).map((byte) => new Uint8Array(8).fill(byte)) },
  ),
})
const get: fc.Arbitrary<Step> = fc.record({ name: fc.constant("get" as const), at, key })
const advance: fc.Arbitrary<Step> = fc.record({
  name: fc.constant("advance" as const),
  seconds: fc.integer({ min: 1, max: 4 }).map((count) => count * pauseSeconds),
})
const step = fc.oneof({ weight: 8, arbitrary: update }, { weight: 3, arbitrary: get }, { weight: 2, arbitrary: advance })

export interface ModelOptions {
  readonly peers: number
  readonly runs: number
  readonly stepsPerRun: number
  /** Whether steps may move time. */
  readonly virtualTime: boolean
  readonly createNetwork: () => Promise<Network>
}

/** Fails with the shortest history found in which the backend and the memory backend differ. */
export async function compareWithMemory(options: ModelOptions): Promise<void> {
  const steps = fc.array(step, { minLength: 1, maxLength: options.stepsPerRun, size: "max" })
  await fc.assert(fc.asyncProperty(steps, (history) => replay(history, options)), { numRuns: options.runs })
}

async function replay(history: readonly Step[], { createNetwork, peers, virtualTime }: ModelOptions): Promise<void> {
  const runtime = new ManualRuntime()
  const model = new MemoryServlet({ runtime }, { limits: modelLimits })
  await model.join()
  const network = await createNetwork()
  try {
    const servlets = await joinAll(network, peers)
    for (const step of history) {
      if (step.name === "advance") {
        if (!virtualTime) continue
        await runtime.advanceAsync(step.seconds * 1000)
        await network.advance(step.seconds * 1000)
      } else {
        const servlet = servlets[step.at % servlets.length]
        if (servlet === undefined) throw new Error("no servlets")
        const expected = await outcomeOf(apply(model, step))
        expect(await outcomeOf(network.run(apply(servlet, step)))).toEqual(expected)
      }
    }
  } finally {
    await network.close()
  }
}

async function joinAll(network: Network, count: number): Promise<P2PSipServlet[]> {
  const servlets: P2PSipServlet[] = []
  while (servlets.length < count) {
    const servlet = await network.create()
    await network.run(servlet.join(network.bootstrap()))
    servlets.push(servlet)
  }
  return servlets
}

function apply(servlet: P2PSipServlet, step: Exclude<Step, { readonly name: "advance" }>): Promise<readonly Value[]> {
  if (step.name === "get") return servlet.get(step.key)
  return servlet.update(step.key, step.mutations, step.preconditions, { operationId: step.operationId })
}

/** The values, or the code of the refusal. Seconds left are rounded to half pauses. */
async function outcomeOf(work: Promise<readonly Value[]>): Promise<unknown> {
  try {
    return (await work).map(describeValue).sort()
  } catch (error) {
    if (error instanceof P2PSipError) return error.code
    throw error
  }
}

function describeValue({ valueHash, value, ttlSeconds }: Value): string {
  const halfPauses = Math.ceil(ttlSeconds / (pauseSeconds / 2))
  return `${Buffer.from(valueHash).toString()}: ${Buffer.from(value).toString()} for ${halfPauses}`
}
