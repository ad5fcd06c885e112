/**
 * What a peer writes down to find it again after its process has ended:
 * batches of bytes that are only added and removed, in commits that happen as
 * a whole or not at all.
 *
 * A file on a real machine (`overlay/sqlite-journal.ts`), a device with faults
 * in a simulation.
 */

/** What one commit brought, or a part of it. */
export interface Batch {
  readonly id: number
  /** Milliseconds since 1970 from which on none of its records is needed. */
  readonly forgottenAt: number
  readonly records: number
  readonly body: Uint8Array
}

/** See the head of this file. Every method throws `P2PSIP_STORAGE` when the disk does not do what it should. */
export interface Journal {
  /** Records in all batches, those that are not needed any more included. */
  readonly records: number
  /** The batches in the order in which they were written. Commit nothing before the iteration has ended. */
  oldest(): Iterable<Batch>
  /** Batches none of whose records is needed at `time`, milliseconds since 1970; the longest past first. As `oldest`. */
  past(time: number): Iterable<Batch>
  /** Removes some batches and adds others, all or nothing; returns the ids of those that were added: higher than any before. */
  commit(removed: readonly Batch[], added: readonly Omit<Batch, "id">[]): number[]
  close(): void
}

/** Opens the journal of one peer. Throws `P2PSIP_STORAGE`. */
export type OpenJournal = () => Journal
