import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { DurableStore } from "../../../src/overlay/durable-store.ts"
import { wholeRing } from "../../../src/overlay/key-range.ts"
import type { Id } from "../../../src/overlay/id.ts"
import { MemoryStore } from "../../../src/overlay/memory-store.ts"
import type { StoredRecord } from "../../../src/overlay/record.ts"
import { graceMs } from "../../../src/overlay/record.ts"
import type { JournalOptions } from "../../../src/overlay/sqlite-journal.ts"
import { SqliteJournal } from "../../../src/overlay/sqlite-journal.ts"
import type { RecordStore } from "../../../src/overlay/store.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { id, record } from "./arbitraries.ts"
import { key, simple, storeContract } from "./store-contract.ts"

const inMemory = ":memory:"
const hour = 3_600_000
const long: StoredRecord = { ...simple, liveUntil: hour, keptUntil: hour }
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-store-"))
  folders.push(folder)
  return join(folder, "records.sqlite")
}

function open(path: string, runtime = new ManualRuntime(), options: JournalOptions = {}) {
  const journal = new SqliteJournal(path, options)
  return { journal, runtime, store: new DurableStore({ runtime, journal }) }
}

/** The file as it would be found if the process died now. */
function crashed(path: string): string {
  const copy = newFile()
  for (const end of ["", "-wal"]) cpSync(path + end, copy + end)
  return copy
}

function contents(store: RecordStore): Map<Id, readonly StoredRecord[]> {
  const byHash = (a: StoredRecord, b: StoredRecord) => (a.valueHash < b.valueHash ? -1 : 1)
  const plain = ({ valueHash, value, order, operationId, series, number, liveUntil, keptUntil }: StoredRecord): StoredRecord =>
    ({ valueHash, value, order, operationId, series, number, liveUntil, keptUntil })
  return new Map(store.keys(wholeRing, 10_000).map((at) => [at, store.get(at).map(plain).sort(byHash)]))
}

storeContract("DurableStore", (runtime, options) => new DurableStore({ runtime, journal: new SqliteJournal(inMemory) }, options))

describe("a store on disk", () => {
  it("tells when a change is safe: after the tick in which it came", async () => {
    const { store, runtime } = open(inMemory)
    expect(store.flushed()).toBeUndefined()
    store.put(key("1"), simple)
    const flushed = store.flushed()
    expect(flushed).toBeDefined()
    runtime.runDeferred()
    await flushed
    expect(store.flushed()).toBeUndefined()
  })

  it("is after any history, with crashes at any point, what a store in memory is that never crashed", () => {
    const put = fc.record({ name: fc.constant("put" as const), key: id, record: record() })
    const step = fc.oneof(
      { weight: 6, arbitrary: put },
      { weight: 2, arbitrary: fc.constant({ name: "flush" as const }) },
      { weight: 1, arbitrary: fc.constant({ name: "crash" as const }) },
      { weight: 1, arbitrary: fc.nat({ max: 4 }).map((seconds) => ({ name: "wait" as const, ms: seconds * 1000 })) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (history) => {
        const runtime = new ManualRuntime()
        let path = newFile()
        let { store } = open(path, runtime)
        const model = new MemoryStore({ runtime })
        for (const each of history) {
          if (each.name === "put") {
            const life = { liveUntil: runtime.now() + each.record.liveUntil, keptUntil: runtime.now() + each.record.keptUntil }
            for (const one of [store, model]) one.put(each.key, { ...each.record, ...life })
          } else if (each.name === "wait") {
            runtime.advance(each.ms)
          } else {
            runtime.advance(10)
            if (each.name === "flush") continue
            path = crashed(path)
            store.close()
            ;({ store } = open(path, runtime))
          }
          expect(contents(store)).toEqual(contents(model))
        }
        store.close()
      }),
      { numRuns: 60 },
    )
  })

  it("goes on after a restart with what is left of the times by the clock on the wall", () => {
    const path = newFile()
    const before = open(path)
    before.store.put(key("1"), { ...simple, liveUntil: 100_000, keptUntil: 200_000 })
    before.store.put(key("2"), { ...simple, liveUntil: 10_000, keptUntil: 10_000 })
    before.store.close()
    // Down for 90 seconds; the new process counts its time from elsewhere.
    const runtime = new LaterRuntime(90_000)
    const { store } = open(path, runtime)
    expect(store.get(key("1"))).toMatchObject([{ liveUntil: 10_000, keptUntil: 110_000 }])
    expect(store.get(key("2"))).toEqual([])
    store.close()
  })

  it("lengthens no life when the clock was set back meanwhile", () => {
    const path = newFile()
    const before = open(path)
    before.store.put(key("1"), long)
    before.store.close()
    const { store } = open(path, new LaterRuntime(-1e9))
    expect(store.get(key("1"))).toMatchObject([{ liveUntil: hour, keptUntil: hour }])
    store.close()
  })

  it("writes in one what two batches give only together", () => {
    const path = newFile()
    const runtime = new LaterRuntime(0)
    const before = open(path, runtime)
    before.store.put(key("1"), long)
    runtime.advance(1)
    runtime.jumpMs = -600_000
    before.store.put(key("1"), { ...long, order: 2 })
    runtime.advance(300_000)
    before.store.close()
    // By the clock on the wall no time has passed since the first, but five minutes since the second.
    const { store } = open(path, new LaterRuntime(-300_000))
    expect(store.get(key("1"))).toMatchObject([{ order: 2, keptUntil: hour }])
    expect(store.pending).toBe(1)
    store.close()
  })

  it("leaves out at the start what it is told not to accept", () => {
    const path = newFile()
    const before = open(path)
    for (const order of [1, 2]) before.store.put(key(`${order}`), { ...long, order })
    before.store.close()
    const journal = new SqliteJournal(path)
    const store = new DurableStore({ runtime: new ManualRuntime(), journal, accept: ({ order }) => order < 2 })
    expect(store.keys(wholeRing, 9)).toEqual([key("1")])
    store.close()
  })

  it("makes one commit of all that one tick brings", () => {
    const { store, journal, runtime } = open(inMemory)
    let commits = 0
    const commit = journal.commit.bind(journal)
    journal.commit = (...batches) => {
      commits++
      return commit(...batches)
    }
    for (let each = 0; each < 1000; each++) store.put(key(each.toString(16).padStart(4, "0")), long)
    runtime.runDeferred()
    expect(commits).toBe(1)
    store.close()
  })
})

describe("the journal", () => {
  it("stays within a few times of what memory holds, however often records are renewed, and loses none of them", () => {
    const path = newFile()
    const { store, journal, runtime } = open(path)
    const keys = Array.from({ length: 500 }, (_, at) => key(at.toString(16).padStart(4, "0")))
    for (const at of keys) store.put(at, long)
    for (let round = 0; round < 400; round++) {
      for (let each = 0; each < 50; each++) store.put(keys[(round * 7 + each) % 250] ?? "", { ...long, order: 2 + round })
      runtime.advance(5)
    }
    expect(journal.records).toBeLessThan(2 * 500 + 4096 + 1000)
    const copy = open(crashed(path))
    expect(contents(copy.store).size).toBe(500)
    expect([...contents(copy.store)].map(([at, [one]]) => [at, one?.order])).toEqual([...contents(store)].map(([at, [one]]) => [at, one?.order]))
    copy.store.close()
    store.close()
  })

  it("lets go of what is past", () => {
    const { store, journal, runtime } = open(inMemory)
    for (const at of ["1", "2", "3"]) store.put(key(at), simple)
    runtime.advance(1)
    expect(journal.records).toBe(3)
    runtime.advance(1000 + graceMs + 30_000)
    expect(journal.records).toBe(0)
    store.close()
  })

  it("keeps from past batches what lives on in memory, whatever the clock on the wall says", () => {
    const runtime = new LaterRuntime(0)
    const { store, journal } = open(inMemory, runtime)
    store.put(key("1"), long)
    runtime.advance(1)
    runtime.jumpMs = 10 * hour
    runtime.advance(20_000)
    expect(journal.records).toBe(1)
    expect([...journal.oldest()][0]?.id).toBeGreaterThan(1)
    store.close()
  })

  it.each([
    ["no database", (path: string) => writeFileSync(path, "no database at all".repeat(100))],
    ["used by another", (path: string) => void new SqliteJournal(path)],
  ])("that is %s is refused with advice", (_, prepare) => {
    const path = newFile()
    prepare(path)
    expect(() => new SqliteJournal(path)).toThrow(expect.objectContaining({ code: "P2PSIP_STORAGE" }))
  })
})

describe("a disk that is full", () => {
  function full() {
    const opened = open(inMemory, new ManualRuntime(), { maxFileBytes: 65_536 })
    const { store, runtime } = opened
    let count = 0
    for (; store.failure === undefined && count < 1000; count++) {
      store.put(key(count.toString(16).padStart(4, "0")), { ...simple, value: "x".repeat(5000), liveUntil: 100_000, keptUntil: 100_000 })
      runtime.advance(5)
    }
    return { ...opened, count }
  }

  it("refuses changes with a clear error, confirms no copies, and goes on reading", async () => {
    const { store, runtime, count } = full()
    expect(count).toBeLessThan(20)
    expect(() => store.requireRoom(key("1"), [simple])).toThrow(/make room on the disk/)
    store.put(key("f"), long)
    await expect(store.flushed()).rejects.toMatchObject({ code: "P2PSIP_STORAGE" })
    expect(store.get(key("0000"))).toHaveLength(1)
    expect(store.get(key("f"))).toHaveLength(1)
    runtime.advance(5_000)
    expect(store.failure).toBeDefined()
    store.close()
  })

  it("fails those who wait for the commit that it does not take", async () => {
    const { store, runtime } = open(inMemory, new ManualRuntime(), { maxFileBytes: 65_536 })
    store.put(key("1"), { ...long, value: "x".repeat(100_000) })
    const flushed = store.flushed()
    runtime.advance(5)
    await expect(flushed).rejects.toMatchObject({ code: "P2PSIP_STORAGE" })
    store.close()
  })

  it("takes changes again, and writes what it could not, once there is room", async () => {
    const { store, journal, runtime } = full()
    store.put(key("f"), long)
    // What fills the disk is over.
    runtime.advance(100_000 + graceMs + 40_000)
    expect(store.failure).toBeUndefined()
    expect(store.flushed()).toBeUndefined()
    expect(journal.records).toBe(1)
    store.close()
  })

  it("holds no more than memory does of what could not be written", () => {
    const { store } = full()
    for (let order = 2; order < 20_000; order++) store.put(key("f"), { ...long, order })
    expect(store.pending).toBeLessThan(5_000)
    store.close()
  })
})

/** A runtime whose clock on the wall is ahead. */
class LaterRuntime extends ManualRuntime {
  jumpMs: number

  constructor(jumpMs: number) {
    super()
    this.jumpMs = jumpMs
  }

  override wallClock(): number {
    return super.wallClock() + this.jumpMs
  }
}
