import { expect, it } from "vitest"
import { MemoryStore } from "../../../src/overlay/memory-store.ts"
import { graceMs } from "../../../src/overlay/record.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { key, simple, storeContract } from "./store-contract.ts"

storeContract("MemoryStore", (runtime, options) => new MemoryStore({ runtime }, options))

it("MemoryStore needs no timer while it is empty", () => {
  const runtime = new ManualRuntime()
  new MemoryStore({ runtime }).put(key("1"), simple)
  runtime.advance(1000 + graceMs + 10_000)
  expect(runtime.timersPending).toBe(0)
})
