import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { DnsClient } from "./client.ts"
import type { Dns, RecordData, RecordType } from "./dns.ts"
import { plainName } from "./message.ts"

/** What a {@link CachingDns} is built on. */
export interface CachingDnsComponents {
  readonly runtime: Runtime
  readonly client: Pick<DnsClient, "ask">
}

/** What a user may choose about the memory. */
export interface CachingDnsOptions {
  /** Answers remembered; beyond, those that were not asked for longest go. @default 10000 */
  readonly maxEntries?: number
}

type Records = readonly RecordData[RecordType][]

interface Entry {
  /** Of the Runtime's clock. */
  readonly untilMs: number
  /** What was learnt: records, or that nobody could tell. */
  readonly outcome: { readonly records: Records } | { readonly failure: unknown }
}

const maxTtlSeconds = 86_400
const maxNegativeTtlSeconds = 300
/** Where an answer does not say, and after failures (RFC 9520 §3.2). */
const briefSeconds = 5

/** Remembers answers for as long as they hold, and asks one question at a time once. */
export class CachingDns implements Dns {
  readonly #runtime: Runtime
  readonly #client: CachingDnsComponents["client"]
  readonly #maxEntries: number
  readonly #hits: Counter
  /** The one asked for longest ago first. */
  readonly #entries = new Map<string, Entry>()
  readonly #underWay = new Map<string, Promise<Entry>>()

  constructor({ runtime, client }: CachingDnsComponents, options: CachingDnsOptions = {}) {
    this.#runtime = runtime
    this.#client = client
    this.#maxEntries = options.maxEntries ?? 10_000
    this.#hits = runtime.metrics.counter("p2psip_dns_cache_hits_total", "Look-ups answered from memory.")
    runtime.metrics.gauge("p2psip_dns_cache_entries", "Answers of the DNS that are remembered.", () => this.#entries.size)
  }

  async resolve<T extends RecordType>(name: string, type: T): Promise<readonly RecordData[T][]> {
    const plain = plainName(name)
    const key = `${type} ${plain}`
    const known = this.#recall(key)
    const { outcome } = known ?? (await this.#learn(key, plain, type))
    if ("failure" in outcome) throw outcome.failure
    // The key has the type.
    return outcome.records as readonly RecordData[T][]
  }

  #recall(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (entry.untilMs <= this.#runtime.now()) return undefined
    this.#entries.set(key, entry)
    this.#hits.add()
    return entry
  }

  #learn(key: string, name: string, type: RecordType): Promise<Entry> {
    const existing = this.#underWay.get(key)
    if (existing !== undefined) return existing
    const learning = this.#ask(name, type).then((entry) => {
      this.#underWay.delete(key)
      this.#remember(key, entry)
      return entry
    })
    this.#underWay.set(key, learning)
    return learning
  }

  async #ask(name: string, type: RecordType): Promise<Entry> {
    try {
      const { records, ttlSeconds = briefSeconds } = await this.#client.ask(name, type)
      const holdsSeconds = Math.min(ttlSeconds, records.length > 0 ? maxTtlSeconds : maxNegativeTtlSeconds)
      return { untilMs: this.#runtime.now() + holdsSeconds * 1000, outcome: { records } }
    } catch (failure) {
      return { untilMs: this.#runtime.now() + briefSeconds * 1000, outcome: { failure } }
    }
  }

  #remember(key: string, entry: Entry): void {
    if (entry.untilMs <= this.#runtime.now()) return
    this.#entries.set(key, entry)
    if (this.#entries.size <= this.#maxEntries) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }
}
