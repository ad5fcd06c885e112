type Listener = (error: Error | undefined) => void

/** Who waits for the end of a flow. Most flows have none or one, so nothing is allocated for one. */
export class FlowListeners {
  #first: Listener | undefined
  #others: Set<Listener> | undefined

  get isEmpty(): boolean {
    return this.#first === undefined && (this.#others === undefined || this.#others.size === 0)
  }

  add(listener: Listener): () => void {
    if (this.isEmpty) {
      this.#first = listener
      return () => {
        if (this.#first === listener) this.#first = undefined
      }
    }
    const others = (this.#others ??= new Set())
    others.add(listener)
    return () => void others.delete(listener)
  }

  /** Tells everybody, once. */
  tell(error: Error | undefined): void {
    const [first, others] = [this.#first, this.#others]
    this.#first = this.#others = undefined
    first?.(error)
    for (const listener of others ?? []) listener(error)
  }
}
