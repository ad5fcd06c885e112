/** A few figures for many: percentiles, medians with their spread, and whether two differ. Pure functions. */

/** The middle of several runs, and how far they lie apart. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly count: number
}

/** How a figure has changed. */
export interface Change {
  /** The later median in terms of the earlier. */
  readonly ratio: number
  /** Half the range of each, added, as a part of the earlier median: what chance alone has shown. */
  readonly noise: number
  /** The ranges of the runs do not even touch, and there were two runs or more on both sides. */
  readonly isClear: boolean
}

/** The value that so large a part of all do not exceed (nearest rank). NaN of none. */
export function quantile(sorted: ArrayLike<number>, part: number): number {
  const rank = Math.ceil(part * sorted.length)
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? NaN
}

/** Each of `parts` of the values, in any order. Empty of none. */
export function quantilesOf(values: ArrayLike<number>, parts: readonly number[]): number[] {
  if (values.length === 0) return []
  const sorted = Float64Array.from(values).sort()
  return parts.map((part) => quantile(sorted, part))
}

/** The middle and the extremes; undefined of none. What is no number is left out. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  const [least, most] = [sorted[0], sorted.at(-1)]
  if (least === undefined || most === undefined) return undefined
  const half = sorted.length >> 1
  const upper = sorted[half] ?? most
  const median = sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? least) + upper) / 2
  return { median, least, most, count: sorted.length }
}

/** What became of a figure. Undefined where the earlier is zero: nothing can be said in terms of it. */
export function changeOf(earlier: Spread, later: Spread): Change | undefined {
  if (earlier.median === 0) return undefined
  const isApart = later.least > earlier.most || later.most < earlier.least
  return {
    ratio: later.median / earlier.median,
    noise: (earlier.most - earlier.least + later.most - later.least) / 2 / Math.abs(earlier.median),
    isClear: isApart && Math.min(earlier.count, later.count) > 1,
  }
}
