/**
 * Metrics of a simulation. Counters and histograms are shared by all peers, so
 * that 100,000 peers hold one set; gauges keep the peer that they belong to.
 */
import type { Counter, Histogram, Metrics } from "../runtime/runtime.ts"

/** A counter that can be read. */
export class SimCounter implements Counter {
  value = 0

  add(count = 1): void {
    this.value += count
  }
}

/** A histogram that keeps count, sum and bucket counts; the last bucket has no upper bound. */
export class SimHistogram implements Histogram {
  readonly bounds: readonly number[]
  readonly counts: number[]
  count = 0
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    this.count++
    this.sum += value
    const found = this.bounds.findIndex((bound) => value <= bound)
    const bucket = found === -1 ? this.bounds.length : found
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
  }
}

/** A value that one peer shows. */
export interface PeerGauge {
  readonly name: string
  readonly read: () => number
}

/** All metrics of one simulation. */
export class MetricsCollector {
  readonly counters = new Map<string, SimCounter>()
  readonly histograms = new Map<string, SimHistogram>()
  readonly #gauges = new Map<string, PeerGauge[]>()

  /** A counter's value over all peers, 0 if nobody has registered it. Labels as in `name{label="value"}`. */
  count(name: string): number {
    return this.counters.get(name)?.value ?? 0
  }

  /** The gauges of one peer. */
  gaugesOf(peer: string): readonly PeerGauge[] {
    return this.#gauges.get(peer) ?? []
  }

  /** Forgets the gauges of a peer that is gone. */
  forget(peer: string): void {
    this.#gauges.delete(peer)
  }

  /** The contract that one peer sees. */
  viewFor(peer: string): Metrics {
    return {
      counter: (name, _help, labels) => entry(this.counters, seriesName(name, labels), () => new SimCounter()),
      histogram: (name, _help, buckets) => entry(this.histograms, name, () => new SimHistogram(buckets)),
      gauge: (name, _help, read, labels) => {
        const gauges = entry(this.#gauges, peer, () => [])
        const series = seriesName(name, labels)
        const known = gauges.findIndex((gauge) => gauge.name === series)
        if (known === -1) gauges.push({ name: series, read })
        else gauges[known] = { name: series, read }
      },
    }
  }
}

function seriesName(name: string, labels: Readonly<Record<string, string>> | undefined): string {
  if (labels === undefined) return name
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return `${name}{${pairs.sort().join(",")}}`
}

function entry<T>(map: Map<string, T>, key: string, create: () => T): T {
  const known = map.get(key)
  if (known !== undefined) return known
  const created = create()
  map.set(key, created)
  return created
}
