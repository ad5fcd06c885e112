/** Metrics for Prometheus, and metrics that nobody counts. */
import { Counter as PrometheusCounter, Gauge, Histogram as PrometheusHistogram, Registry } from "prom-client"
import { badArgument } from "../errors.ts"
import type { Counter, Histogram, Metrics } from "./runtime.ts"

type Labels = Readonly<Record<string, string>>

/**
 * Metrics in a prom-client registry.
 *
 * A counter is a plain number while the peer works; prom-client sees it when
 * somebody scrapes. Looking up a child metric by its labels for each message
 * would cost more than many a message does.
 */
export class RegistryMetrics implements Metrics {
  readonly registry: Registry = new Registry()
  readonly #counters = new Map<string, Family<Cell>>()
  readonly #gauges = new Map<string, Family<() => number>>()
  readonly #histograms = new Map<string, Histogram>()

  counter(name: string, help: string, labels: Labels = {}): Counter {
    let family = this.#counters.get(name)
    if (family === undefined) {
      const cells = new Family<Cell>(name, labels)
      family = cells
      this.#counters.set(name, cells)
      new PrometheusCounter({
        name,
        help,
        labelNames: cells.labelNames,
        registers: [this.registry],
        collect() {
          this.reset()
          for (const [labels, cell] of cells) this.inc(labels, cell.count)
        },
      })
    }
    return family.getOrAdd(labels, () => new Cell())
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    let histogram = this.#histograms.get(name)
    if (histogram === undefined) {
      histogram = new PrometheusHistogram({ name, help, buckets: [...buckets], registers: [this.registry] })
      this.#histograms.set(name, histogram)
    }
    return histogram
  }

  gauge(name: string, help: string, read: () => number, labels: Labels = {}): void {
    let family = this.#gauges.get(name)
    if (family === undefined) {
      const readers = new Family<() => number>(name, labels)
      family = readers
      this.#gauges.set(name, readers)
      new Gauge({
        name,
        help,
        labelNames: readers.labelNames,
        registers: [this.registry],
        collect() {
          for (const [labels, read] of readers) this.set(labels, read())
        },
      })
    }
    family.set(labels, read)
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics()
  }

  /** The media type of {@link text}. */
  get contentType(): string {
    return this.registry.contentType
  }

  /** Every counter's value under `name{label="value"}`; plain data, fit for JSON. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const [name, family] of this.#counters) {
      for (const [labels, cell] of family) {
        const inner = Object.entries(labels).map(([label, value]) => `${label}="${value}"`).join(",")
        counts[inner === "" ? name : `${name}{${inner}}`] = cell.count
      }
    }
    return counts
  }
}

class Cell implements Counter {
  count = 0

  add(count = 1): void {
    this.count += count
  }
}

/** The members of one metric, told apart by their labels' values. */
class Family<T> {
  readonly labelNames: string[]
  readonly #name: string
  readonly #members = new Map<string, readonly [labels: Labels, member: T]>()

  constructor(name: string, labels: Labels) {
    this.#name = name
    this.labelNames = Object.keys(labels).sort()
  }

  getOrAdd(labels: Labels, create: () => T): T {
    const found = this.#members.get(this.#key(labels))
    if (found !== undefined) return found[1]
    const member = create()
    this.set(labels, member)
    return member
  }

  set(labels: Labels, member: T): void {
    this.#members.set(this.#key(labels), [labels, member])
  }

  [Symbol.iterator](): IterableIterator<readonly [labels: Labels, member: T]> {
    return this.#members.values()
  }

  #key(labels: Labels): string {
    const names = Object.keys(labels).sort()
    if (names.join() !== this.labelNames.join()) {
      badArgument(`labels of ${this.#name}`, this.labelNames.join(", ") || "none", names.join(", "))
    }
    return JSON.stringify(names.map((name) => labels[name]))
  }
}

/** Counts nothing. */
export const noMetrics: Metrics = {
  counter: () => ({ add() {} }),
  histogram: () => ({ observe() {} }),
  gauge() {},
}
