/** Who waits for the end of a flow. Most flows have none or one, so nothing is allocated before. */
export class FlowListeners {
  #listeners: Set<(error: Error | undefined) => void> | undefined

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
