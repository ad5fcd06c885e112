/** What is dear to look at, looked at once for all who ask for it in the same turn: the gauges of one scrape. */
export function oncePerTurn<T>(look: () => T): () => T {
  let seen: { readonly value: T } | undefined
  return () => {
    if (seen !== undefined) return seen.value
    seen = { value: look() }
    void Promise.resolve().then(() => (seen = undefined))
    return seen.value
  }
}
