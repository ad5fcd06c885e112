/** What a scenario found out, one statement after the other. */
export interface Check {
  readonly name: string
  readonly passed: boolean
  /** Figures, for people. */
  readonly detail: string
}

/** Options that all scenarios share. */
export interface ScenarioOptions {
  readonly peers: number
  readonly backend: string
  /** How many addresses-of-record, or calls. */
  readonly count: number
  /** Requests or calls that are begun per second. */
  readonly rate: number
}

/** The domain of all addresses-of-record in these scenarios. */
export const domain = "example.org"

/** The item at `index`, going round. */
export function inTurn<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new Error("expected at least one item")
  return item
}
