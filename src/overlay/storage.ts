/** Opens the store that a peer's options ask for. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { DurableStore } from "./durable-store.ts"
import type { HybridClock } from "./hlc.ts"
import type { JournalOptions } from "./journal.ts"
import { Journal } from "./journal.ts"
import type { StoreOptions } from "./memory-store.ts"
import { MemoryStore } from "./memory-store.ts"
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
}

/** The file in the data folder. */
export const recordsFile = "records.sqlite"

/** Whether records outlive the process. Throws `P2PSIP_BAD_CONFIG`. */
export function isDurable(dataFolder: string | undefined, { storage }: StorageOptions): boolean {
  if (storage === "sqlite" && dataFolder === undefined) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", 'storage: expected a data folder for "sqlite", found none; set data (--data)')
  }
  return storage === undefined ? dataFolder !== undefined : storage === "sqlite"
}

/** The store, with what its file holds. Throws `P2PSIP_STORAGE`. */
export function openStore({ runtime, clock, dataFolder }: StorageComponents, options: StorageOptions): RecordStore {
  if (dataFolder === undefined || !isDurable(dataFolder, options)) return new MemoryStore({ runtime }, options.store)
  try {
    mkdirSync(dataFolder, { mode: 0o700 })
  } catch {
    // It exists, or opening the file says what is wrong.
  }
  const journal = new Journal(join(dataFolder, recordsFile), options.journal)
  try {
    return new DurableStore({ runtime, journal, accept: ({ order }) => clock.observe(order) }, options.store)
  } catch (error) {
    journal.close()
    throw error
  }
}
