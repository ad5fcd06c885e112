import { describe, expect, it } from "vitest"
import { P2PSipError } from "../../../src/errors.ts"
import { P2PSipServlet } from "../../../src/servlet/index.ts"
import type { BackendStatus, LookupEvent, NormalMutation, ServletOptions, Value } from "../../../src/servlet/index.ts"
import { ManualRuntime, settle } from "../../support/manual-runtime.ts"

const capabilities = {
  distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true, durable: false,
}

/** A backend that answers when the test says so. */
class SlowServlet extends P2PSipServlet {
  readonly asked: NormalMutation[][] = []
  readonly answers: ((values: readonly Value[]) => void)[] = []
  joining: () => Promise<void> = () => Promise.resolve()
  looking: () => AsyncIterable<LookupEvent> = () => nothing()

  constructor(runtime: ManualRuntime, options?: ServletOptions, claimed: Partial<typeof capabilities> = {}) {
    super({ runtime }, { name: "slow", capabilities: { ...capabilities, ...claimed } }, options)
  }

  protected override _hash(data: Uint8Array): Uint8Array {
    return data
  }

  protected override _join(): Promise<void> {
    return this.joining()
  }

  protected override async _leave(): Promise<void> {}

  protected override _update(_key: Uint8Array, mutations: readonly NormalMutation[]): Promise<readonly Value[]> {
    this.asked.push([...mutations])
    return new Promise((resolve) => void this.answers.push(resolve))
  }

  protected override _get(): Promise<readonly Value[]> {
    return new Promise((resolve) => void this.answers.push(resolve))
  }

  protected override _lookup(): AsyncIterable<LookupEvent> {
    return this.looking()
  }

  protected override _status(): BackendStatus {
    return { peersKnown: 0, neighbours: {}, records: { owned: 0, copies: 0, tombstones: 0 } }
  }
}

async function* nothing(): AsyncGenerator<LookupEvent> {}

async function* never(): AsyncGenerator<LookupEvent> {
  yield { name: "hop", hop: 1, peer: { peerId: "peer", id: "00", addresses: [] } }
  await new Promise(() => undefined)
}

async function joined(options?: ServletOptions, claimed?: Partial<typeof capabilities>) {
  const runtime = new ManualRuntime()
  const servlet = new SlowServlet(runtime, options, claimed)
  await servlet.join()
  return { runtime, servlet }
}

async function eventsOf(servlet: P2PSipServlet): Promise<LookupEvent[]> {
  const events: LookupEvent[] = []
  for await (const event of servlet.lookup("key")) events.push(event)
  return events
}

/** Awaits a rejection from the start, so that none goes unhandled. */
function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: unknown) => (error instanceof P2PSipError ? error.code : "another"),
  )
}

describe("P2PSipServlet", () => {
  it("gives an operation up when its time is over, and not before", async () => {
    const { runtime, servlet } = await joined({ operationTimeoutMs: 5000 })
    let code: string | undefined
    void codeOf(servlet.put("key", "value")).then((found) => (code = found))
    await runtime.advanceAsync(4999)
    expect(code).toBeUndefined()
    await runtime.advanceAsync(1)
    await settle()
    expect(code).toBe("P2PSIP_TIMEOUT")
  })

  it("times each of many operations by itself, with one timer for all", async () => {
    const { runtime, servlet } = await joined({ operationTimeoutMs: 1000 })
    const ended: number[] = []
    for (let index = 0; index < 5; index++) {
      void codeOf(servlet.get("key")).then(() => void ended.push(runtime.now()))
      expect(runtime.timersPending).toBe(1)
      await runtime.advanceAsync(100)
    }
    servlet.answers[1]?.([])
    await settle()
    await runtime.advanceAsync(2000)
    await settle()
    expect(ended).toEqual([500, 1000, 1200, 1300, 1400])
    expect(runtime.timersPending).toBe(0)
  })

  it("refuses operations beyond maxPendingOperations until one has ended", async () => {
    const { servlet } = await joined({ limits: { maxPendingOperations: 2 } })
    const first = servlet.get("key")
    const second = servlet.get("key")
    expect(await codeOf(servlet.get("key"))).toBe("P2PSIP_LIMIT")
    servlet.answers[0]?.([])
    await first
    const third = servlet.get("key")
    servlet.answers[1]?.([])
    servlet.answers[2]?.([])
    await Promise.all([second, third])
  })

  it("leaves no listener on the caller's signal", async () => {
    const { servlet } = await joined()
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
    const work = servlet.get("key", { signal })
    expect(listeners).toBe(1)
    servlet.answers[0]?.([])
    await work
    expect(listeners).toBe(0)
  })

  it("ends what still waits when it leaves", async () => {
    const { servlet, runtime } = await joined()
    const waiting = codeOf(servlet.get("key"))
    await servlet.leave()
    expect(await waiting).toBe("P2PSIP_NOT_OPEN")
    expect(runtime.timersPending).toBe(0)
  })

  it("counts operations by outcome", async () => {
    const { servlet, runtime } = await joined()
    const work = servlet.put("key", "value")
    servlet.answers[0]?.([])
    await work
    await codeOf(servlet.put("key", "value", { signal: AbortSignal.abort() }))
    const count = (outcome: string): number => runtime.metrics.count("p2psip_servlet_operations_total", { operation: "put", outcome })
    expect(count("ok")).toBe(1)
    expect(count("P2PSIP_ABORTED")).toBe(1)
    expect(runtime.metrics.observed("p2psip_servlet_operation_seconds")).toHaveLength(1)
  })

  it("hands text on as UTF-8 and bytes as they are", async () => {
    const { servlet } = await joined()
    const value = Uint8Array.of(1, 2, 3)
    void servlet.put("key", value, { valueHash: "é", ttlSeconds: 7, sequence: { series: "call", number: 3 } })
    const [mutation] = servlet.asked[0] ?? []
    expect(mutation).toEqual({
      kind: "put",
      value,
      valueHash: Buffer.from("é"),
      ttlSeconds: 7,
      sequence: { series: Buffer.from("call"), number: 3 },
    })
    expect(mutation?.kind === "put" && mutation.value).toBe(value)
    servlet.answers[0]?.([])
  })

  it("refuses what the backend does not claim", async () => {
    const { servlet } = await joined({}, { atomicUpdate: false, sequences: false, preconditions: false })
    const put = { kind: "put", value: "value", ttlSeconds: 1 } as const
    expect(await codeOf(servlet.update("key", [put, put]))).toBe("P2PSIP_NOT_SUPPORTED")
    expect(await codeOf(servlet.update("key", [put], [{ kind: "empty" }]))).toBe("P2PSIP_NOT_SUPPORTED")
    expect(await codeOf(servlet.putOrGet("key", "value"))).toBe("P2PSIP_NOT_SUPPORTED")
    expect(await codeOf(servlet.put("key", "value", { sequence: { series: "call", number: 1 } }))).toBe("P2PSIP_NOT_SUPPORTED")
    expect(servlet.asked).toHaveLength(0)
  })

  it("is new again after a join that failed", async () => {
    const servlet = new SlowServlet(new ManualRuntime())
    servlet.joining = () => Promise.reject(new Error("nobody there"))
    await expect(servlet.join()).rejects.toThrow("nobody there")
    expect(servlet.state).toBe("new")
    servlet.joining = () => Promise.resolve()
    await servlet.join()
    expect(servlet.state).toBe("joined")
  })

  it("ends a look-up of which nothing more is heard", async () => {
    const { servlet, runtime } = await joined({ operationTimeoutMs: 1000 })
    servlet.looking = never
    const events = eventsOf(servlet)
    await runtime.advanceAsync(1000)
    expect((await events).map((event) => (event.name === "failed" ? event.code : event.name))).toEqual(["hop", "P2PSIP_TIMEOUT"])
  })

  it("turns a look-up that throws, or ends without an end, into failed", async () => {
    const { servlet } = await joined()
    servlet.looking = () => {
      throw new Error("a fault of the backend")
    }
    expect(await eventsOf(servlet)).toMatchObject([{ name: "failed", code: "internal", message: "a fault of the backend" }])
    servlet.looking = nothing
    expect(await eventsOf(servlet)).toMatchObject([{ name: "failed", code: "internal" }])
  })
})
