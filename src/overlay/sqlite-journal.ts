/**
 * A peer's records on disk: an SQLite file of batches, each with what one
 * commit brought.
 *
 * Batches are only added and, once nothing in them is needed any more, removed:
 * so a commit writes a few neighbouring pages however many keys it touches.
 * Records merge in any order, so what the file holds is the merge of all its
 * batches.
 *
 * The file is SQLite's for what only the years make right: torn writes, full
 * disks, locks, and programs that read it in an emergency.
 */
import { DatabaseSync } from "node:sqlite"
import type { StatementSync } from "node:sqlite"
import { P2PSipError } from "../errors.ts"
import type { Batch, Journal } from "../runtime/journal.ts"

/** What the journal of records survives, and how large it may become. */
export interface JournalOptions {
  /**
   * What a commit outlives. "process": the death of this process, at any moment;
   * after a loss of power the last few seconds may be missing, and the other
   * replicas have them. "power": that too, for the price of waiting for the disk at every commit.
   * @default "process"
   */
  readonly survives?: "process" | "power" | undefined
  /** The size of the file; beyond it changes are refused as on a full disk. @default 17179869184 */
  readonly maxFileBytes?: number | undefined
}

export const journalDefaults = { survives: "process", maxFileBytes: 16 * 1024 ** 3 } as const

const pageBytes = 4096
/** Tells our files from other programs' ("p2ps"), and their layouts apart. */
const applicationId = 0x70_32_70_73
const version = 1

const layout = `
  CREATE TABLE batches (id INTEGER PRIMARY KEY, forgottenAt INTEGER NOT NULL, records INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
  CREATE INDEX batchesByTime ON batches (forgottenAt);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${version};
`

/** See the head of this file. Every method throws `P2PSIP_STORAGE`. */
export class SqliteJournal implements Journal {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  readonly #delete: StatementSync
  readonly #oldest: StatementSync
  readonly #past: StatementSync
  #nextId: number
  #records: number

  constructor(path: string, options: JournalOptions = {}) {
    this.#path = path
    const database = this.#try("opened", () => new DatabaseSync(path))
    this.#database = database
    try {
      this.#try("used", () => this.#prepare(options))
      this.#insert = database.prepare("INSERT INTO batches (id, forgottenAt, records, body) VALUES (?, ?, ?, ?)")
      this.#delete = database.prepare("DELETE FROM batches WHERE id = ?")
      this.#oldest = database.prepare("SELECT * FROM batches ORDER BY id")
      this.#past = database.prepare("SELECT * FROM batches WHERE forgottenAt < ? ORDER BY forgottenAt")
      const sums = database.prepare("SELECT max(id) AS last, sum(records) AS records FROM batches").get()
      this.#nextId = Number(sums?.["last"] ?? 0) + 1
      this.#records = Number(sums?.["records"] ?? 0)
    } catch (error) {
      database.close()
      throw error
    }
  }

  get records(): number {
    return this.#records
  }

  oldest(): Iterable<Batch> {
    return this.#read(this.#oldest.iterate())
  }

  past(time: number): Iterable<Batch> {
    return this.#read(this.#past.iterate(Math.floor(time)))
  }

  commit(removed: readonly Batch[], added: readonly Omit<Batch, "id">[]): number[] {
    if (removed.length === 0 && added.length === 0) return []
    return this.#try("written", () => {
      const ids: number[] = []
      this.#database.exec("BEGIN IMMEDIATE")
      try {
        for (const { id } of removed) this.#delete.run(id)
        for (const { forgottenAt, records, body } of added) {
          const id = this.#nextId + ids.length
          this.#insert.run(id, Math.ceil(forgottenAt), records, body)
          ids.push(id)
        }
        this.#database.exec("COMMIT")
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK")
        throw error
      }
      this.#nextId += ids.length
      for (const { records } of removed) this.#records -= records
      for (const { records } of added) this.#records += records
      return ids
    })
  }

  close(): void {
    this.#database.close()
  }

  #prepare({ survives = journalDefaults.survives, maxFileBytes = journalDefaults.maxFileBytes }: JournalOptions): void {
    const database = this.#database
    // One process for one file; without others there is no need for shared memory either.
    database.exec("PRAGMA locking_mode = EXCLUSIVE")
    database.exec(`PRAGMA page_size = ${pageBytes}`)
    database.exec("PRAGMA journal_mode = WAL")
    database.exec(`PRAGMA synchronous = ${survives === "power" ? "FULL" : "NORMAL"}`)
    database.exec(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxFileBytes / pageBytes))}`)
    database.exec("BEGIN IMMEDIATE")
    const [id, found] = ["application_id", "user_version"].map((name) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]))
    if (id === 0 && found === 0) database.exec(layout)
    else if (id !== applicationId || found !== version) {
      throw new Error(`expected records of p2psip in layout ${version}, found application ${id}, layout ${found}`)
    }
    database.exec("COMMIT")
  }

  *#read(rows: Iterator<Readonly<Record<string, unknown>>>): Iterable<Batch> {
    try {
      for (;;) {
        const next = this.#try("read", () => rows.next())
        if (next.done === true) return
        yield batchOf(next.value)
      }
    } finally {
      rows.return?.()
    }
  }

  #try<Result>(wanted: string, work: () => Result): Result {
    try {
      return work()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new P2PSipError("P2PSIP_STORAGE", `${this.#path} cannot be ${wanted}: ${reason}; ${adviceOn(cause)}`, { cause })
    }
  }
}

function batchOf(row: Readonly<Record<string, unknown>>): Batch {
  const { id, forgottenAt, records, body } = row
  return {
    id: Number(id), forgottenAt: Number(forgottenAt), records: Number(records),
    body: body instanceof Uint8Array ? body : new Uint8Array(),
  }
}

/** What to do about a failure, by SQLite's primary result code (sqlite.org/rescode.html). */
function adviceOn(error: unknown): string {
  const code = typeof error === "object" && error !== null && "errcode" in error ? Number(error.errcode) & 0xff : 0
  switch (code) {
    case 5: return "does another process use this data folder?"
    case 11:
    case 26: return "move the file away and start again: the other replicas have the records"
    case 13: return "make room on the disk, or raise maxFileBytes"
    default: return "are the disk and the rights to the data folder in order?"
  }
}
