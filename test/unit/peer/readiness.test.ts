import { expect, test, vi } from "vitest"
import { MemoryServlet } from "../../../backends/memory/index.ts"
import { ReadinessProbe } from "../../../src/peer/readiness.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

test("ready means that a put and a get have just worked", async () => {
  const runtime = new ManualRuntime()
  const servlet = new MemoryServlet({ runtime })
  const probe = new ReadinessProbe({ runtime, servlet })
  expect(await probe.check()).toMatchObject({ ready: false })
  await servlet.join()
  await runtime.advanceAsync(1000)
  expect(await probe.check()).toEqual({ ready: true, elapsedMs: 0 })
})

test("an answer is good for a second, however many ask", async () => {
  const runtime = new ManualRuntime()
  const servlet = new MemoryServlet({ runtime })
  await servlet.join()
  const put = vi.spyOn(servlet, "put")
  const probe = new ReadinessProbe({ runtime, servlet })
  await Promise.all([probe.check(), probe.check(), probe.check()])
  await runtime.advanceAsync(999)
  await probe.check()
  expect(put).toHaveBeenCalledTimes(1)
  await runtime.advanceAsync(1)
  await probe.check()
  expect(put).toHaveBeenCalledTimes(2)
})

test("an overlay that gives the wrong value back, or none in time, is not ready", async () => {
  const runtime = new ManualRuntime()
  const forgetful = { put: async () => [], get: async () => [] }
  expect(await new ReadinessProbe({ runtime, servlet: forgetful }).check()).toMatchObject({ ready: false, reason: expect.stringContaining("not the one") as string })
  const silent = {
    get: async () => [],
    put: (_key: unknown, _value: unknown, { signal }: { signal?: AbortSignal } = {}) =>
      new Promise<never>((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted")))),
  }
  const check = new ReadinessProbe({ runtime, servlet: silent }).check()
  await runtime.advanceAsync(3000)
  expect(await check).toMatchObject({ ready: false, reason: "no answer within 3000 ms" })
})
