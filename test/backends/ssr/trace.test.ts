import fc from "fast-check"
import { expect, test } from "vitest"
import { ringSize } from "../../../backends/ssr/address.ts"
import type { Packet } from "../../../backends/ssr/packet.ts"
import { packetTypes, payloadTypes } from "../../../backends/ssr/packet.ts"
import { Tracer, withDecider } from "../../../backends/ssr/trace.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { TestMesh } from "./mesh.ts"

test("a trace is a path over links that are there, from here to the node that answers", async () => {
  const mesh = new TestMesh(7)
  const addresses = mesh.addConnected(30)
  await mesh.simulation.run(20_000)
  for (const to of [...addresses, 1, 2 ** 40, ringSize - 1]) {
    const from = mesh.nodes.get(addresses[3] as number)
    const pending = from?.trace(to)
    await mesh.simulation.run(1_000)
    const trace = await pending
    expect(trace?.route[0]).toBe(addresses[3])
    expect(trace?.isExact).toBe(addresses.includes(to))
    if (addresses.includes(to)) expect(trace?.route.at(-1)).toBe(to)
    for (const [at, hop] of (trace?.route ?? []).slice(1).entries()) expect(mesh.medium.areLinked(trace?.route[at] as number, hop)).toBe(true)
    expect(trace?.deciders.every((decider) => addresses.includes(decider))).toBe(true)
    expect(trace?.rttMs).toBeGreaterThanOrEqual(to === addresses[3] ? 0 : 4)
  }
})

test("without an answer a trace fails in time", async () => {
  const runtime = new ManualRuntime()
  const tracer = new Tracer(runtime, () => true)
  const failed = expect(tracer.trace(5)).rejects.toMatchObject({ code: "P2PSIP_TIMEOUT" })
  runtime.advance(5_000)
  await failed
  await expect(new Tracer(runtime, () => false).trace(5)).rejects.toMatchObject({ code: "P2PSIP_UNREACHABLE" })
})

test("only so many are under way at a time", async () => {
  const tracer = new Tracer(new ManualRuntime(), () => true)
  const all = Array.from({ length: 65 }, (_, at) => tracer.trace(at))
  await expect(all.at(-1)).rejects.toMatchObject({ code: "P2PSIP_LIMIT" })
})

test("any bytes as a trace are answered, or a bad frame; a question does not grow without bound", () => {
  const tracer = new Tracer(new ManualRuntime(), () => true)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 1 }), (rest, kind) => {
      const payload = Uint8Array.of(kind, ...rest)
      const packet: Packet = { type: packetTypes.closest, stub: [], route: [1, 2], hop: 1, destination: 2, payloadType: payloadTypes.trace, payload }
      try {
        tracer.onArrival(packet, 2)
      } catch (error) {
        expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
      }
    }),
  )
  let question: Uint8Array = new Uint8Array(5)
  for (let count = 0; count < 1000; count++) question = withDecider(question, count)
  expect(question.length).toBe(5 + 64 * 6)
})
