/** So many chunks without the end of a message count as one. Messages of honest size come in a few. */
const chunksPerMessage = 16

/** What is asked for chunks in which no message ends: to take them in is work too. */
export class ChunkToll {
  readonly #admits: () => unknown
  /** Since the last message, or the last time that was asked. */
  #chunks = 0

  /** `admits` counts one message's worth of work, and closes the connection where that is too much. */
  constructor(admits: () => unknown) {
    this.#admits = admits
  }

  /** A chunk came. */
  count(): void {
    if (++this.#chunks < chunksPerMessage) return
    this.#chunks = 0
    this.#admits()
  }

  /** Something came whole, and is counted by itself. */
  clear(): void {
    this.#chunks = 0
  }
}
