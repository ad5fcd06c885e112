/**
 * The disk of one simulated machine: it outlives the process, and does to its
 * journal what disks do.
 *
 * A commit happens as a whole or not at all, as SQLite sees to; when the power
 * fails, the last of them may be missing.
 */
import { P2PSipError } from "../errors.ts"
import type { Batch, Journal } from "../runtime/journal.ts"

/** What a disk does to the process that uses it. */
export interface DiskUser {
  /** The virtual time. */
  now(): number
  /** Commits hold the whole process up. */
  stall(durationMs: number): void
}

/** What happens in the next commit: the process may die there, before or after it has come about. */
export interface CommitTrap {
  readonly at: "begin" | "end"
  /** True if it has killed the process. */
  spring(): boolean
}

interface Commit {
  readonly at: number
  readonly removed: readonly Batch[]
  readonly added: readonly number[]
}

/** A loss of power takes at most the commits of so long: later ones only ever together with them. */
const unsyncedMs = 5_000

/** See the head of this file. */
export class SimDisk {
  /** Every commit is refused. */
  isFull = false
  /** What a commit takes. */
  commitMs = 0
  trap: CommitTrap | undefined
  #batches = new Map<number, Batch>()
  #records = 0
  #lastId = 0
  #user: DiskUser | undefined
  #unsynced: Commit[] = []
  commits = 0
  refused = 0

  /** The journal, for one process after another: whoever held it before has ended. */
  open(user: DiskUser): Journal {
    this.#user = user
    return new SimJournal(this, user)
  }

  get records(): number {
    return this.#records
  }

  /** In the order of their ids. */
  get batches(): readonly Batch[] {
    return [...this.#batches.values()]
  }

  /** See `Journal.commit`. */
  commit(user: DiskUser, removed: readonly Batch[], added: readonly Omit<Batch, "id">[]): number[] {
    if (this.#user !== user) throw failure("the process that used it has ended")
    if (removed.length === 0 && added.length === 0) return []
    if (this.isFull) {
      this.refused++
      throw failure("no space is left on it")
    }
    if (this.commitMs > 0) user.stall(this.commitMs)
    const trap = this.trap
    this.trap = undefined
    if (trap?.spring() === true && trap.at === "begin") throw failure("the process has ended")
    this.commits++
    for (const { id } of removed) this.#remove(id)
    const ids = added.map((batch) => {
      const id = ++this.#lastId
      this.#add({ ...batch, id })
      return id
    })
    const now = user.now()
    this.#unsynced = this.#unsynced.filter(({ at }) => at > now - unsyncedMs)
    this.#unsynced.push({ at: now, removed, added: ids })
    return ids
  }

  close(user: DiskUser): void {
    if (this.#user === user) this.#user = undefined
  }

  /** Undoes the last commits, as a loss of power may. The process has ended. */
  losePower(now: number): void {
    for (const { at, removed, added } of this.#unsynced.reverse()) {
      if (at <= now - unsyncedMs) continue
      for (const id of added) this.#remove(id)
      for (const batch of removed) this.#add(batch)
    }
    this.#unsynced = []
    this.#batches = new Map([...this.#batches].sort(([a], [b]) => a - b))
  }

  #add(batch: Batch): void {
    this.#batches.set(batch.id, batch)
    this.#records += batch.records
  }

  #remove(id: number): void {
    this.#records -= this.#batches.get(id)?.records ?? 0
    this.#batches.delete(id)
  }
}

/** The disk, as one process sees it. */
class SimJournal implements Journal {
  readonly #disk: SimDisk
  readonly #user: DiskUser

  constructor(disk: SimDisk, user: DiskUser) {
    this.#disk = disk
    this.#user = user
  }

  get records(): number {
    return this.#disk.records
  }

  oldest(): Iterable<Batch> {
    return this.#disk.batches
  }

  past(time: number): Iterable<Batch> {
    return this.#disk.batches.filter((batch) => batch.forgottenAt < time).sort((a, b) => a.forgottenAt - b.forgottenAt)
  }

  commit(removed: readonly Batch[], added: readonly Omit<Batch, "id">[]): number[] {
    return this.#disk.commit(this.#user, removed, added)
  }

  close(): void {
    this.#disk.close(this.#user)
  }
}

function failure(reason: string): P2PSipError {
  return new P2PSipError("P2PSIP_STORAGE", `the simulated disk cannot be written: ${reason}`)
}
