/** Opens the store that a peer's options ask for. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { P2PSipError } from "../errors.ts"
import type { Journal, OpenJournal } from "../runtime/journal.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { DurableStore } from "./durable-store.ts"
import type { HybridClock } from "./hlc.ts"
import type { StoreOptions } from "./memory-store.ts"
import { MemoryStore } from "./memory-store.ts"
import type { JournalOptions } from "./sqlite-journal.ts"
import { SqliteJournal } from "./sqlite-journal.ts"
import type { RecordStore } from "./store.ts"

export interface StorageOptions {
  /** Where records are kept; "sqlite" wants a data folder. @default "sqlite" where there is a data folder, else "memory" */
  readonly storage?: "memory" | "sqlite" | undefined
  readonly store?: StoreOptions | undefined
  readonly journal?: JournalOptions | undefined
}

export interface StorageComponents {
  readonly runtime: Runtime
  readonly clock: HybridClock
  readonly dataFolder?: string | undefined
  readonly openJournal?: OpenJournal | undefined
}

/** The file in the data folder. */
export const recordsFile = "records.sqlite"

/** Whether records outlive the process. Throws `P2PSIP_BAD_CONFIG`. */
export function isDurable({ dataFolder, openJournal }: Pick<StorageComponents, "dataFolder" | "openJournal">, { storage }: StorageOptions): boolean {
  const hasDisk = dataFolder !== undefined || openJournal !== undefined
  if (storage === "sqlite" && !hasDisk) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", 'storage: expected a data folder for "sqlite", found none; set data (--data)')
  }
  return storage === undefined ? hasDisk : storage === "sqlite"
}

/** The store, with what its journal holds. Throws `P2PSIP_STORAGE`. */
export function openStore(components: StorageComponents, options: StorageOptions): RecordStore {
  const { runtime, clock } = components
  if (!isDurable(components, options)) return new MemoryStore({ runtime }, options.store)
  const journal = openJournal(components, options)
  try {
    return new DurableStore({ runtime, journal, accept: ({ order }) => clock.observe(order) }, options.store)
  } catch (error) {
    journal.close()
    throw error
  }
}

function openJournal({ dataFolder = ".", openJournal: open }: StorageComponents, { journal }: StorageOptions): Journal {
  if (open !== undefined) return open()
  try {
    mkdirSync(dataFolder, { mode: 0o700 })
  } catch {
    // It exists, or opening the file says what is wrong.
  }
  return new SqliteJournal(join(dataFolder, recordsFile), journal)
}
