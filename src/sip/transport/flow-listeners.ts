/** Who waits for the end of a flow. Most flows have none or one, so nothing is allocated before. */
export class FlowListeners {
  #listeners: Set<(error: Error | undefined) => void> | undefined

  get isEmpty(): boolean {
    return this.#listeners === undefined || this.#listeners.size === 0
  }

  add(listener: (error: Error | undefined) => void): () => void {
    const listeners = (this.#listeners ??= new Set())
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  /** Tells everybody, once. */
  tell(error: Error | undefined): void {
    const listeners = this.#listeners
    this.#listeners = undefined
    for (const listener of listeners ?? []) listener(error)
  }
}
