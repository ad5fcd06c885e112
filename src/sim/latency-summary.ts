/** Many latencies in a few figures. */

/** Virtual milliseconds. */
export interface LatencySummary {
  readonly count: number
  readonly meanMs: number
  readonly medianMs: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Mean and percentiles. */
export function summariseLatency(valuesMs: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(valuesMs).sort()
  const at = (fraction: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0
  const sum = sorted.reduce((total, value) => total + value, 0)
  const round = (value: number): number => Math.round(value * 10) / 10
  return {
    count: sorted.length,
    meanMs: sorted.length === 0 ? 0 : round(sum / sorted.length),
    medianMs: round(at(0.5)),
    p90Ms: round(at(0.9)),
    p99Ms: round(at(0.99)),
    maxMs: round(sorted.at(-1) ?? 0),
  }
}
