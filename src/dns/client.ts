import { P2PSipError } from "../errors.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { RecordType } from "./dns.ts"
import { askOverTcp, askOverUdp, type Outcome } from "./exchange.ts"
import { isDnsName, type Question, type Reply } from "./message.ts"
import { machineServers, type DnsServer } from "./servers.ts"

/** What a user may choose about the questions. */
export interface DnsClientOptions {
  /** Asked one after the other. @default those of /etc/resolv.conf, read at the start */
  readonly servers?: readonly DnsServer[] | undefined
  /** How long one server may take; twice as long in the second round. @default 1500 */
  readonly timeoutMs?: number
  /** @default 2 */
  readonly rounds?: number
  /** Questions under way at a time. @default 512 */
  readonly maxPending?: number
}

/** Asks recursive servers; remembers nothing. */
export class DnsClient {
  readonly #runtime: Runtime
  readonly #servers: readonly DnsServer[]
  readonly #timeoutMs: number
  readonly #rounds: number
  readonly #maxPending: number
  readonly #asked: Counter
  readonly #unanswered: Counter
  #pending = 0

  constructor({ runtime }: { readonly runtime: Runtime }, options: DnsClientOptions = {}) {
    this.#runtime = runtime
    this.#servers = options.servers ?? machineServers()
    this.#timeoutMs = options.timeoutMs ?? 1500
    this.#rounds = options.rounds ?? 2
    this.#maxPending = options.maxPending ?? 512
    this.#asked = runtime.metrics.counter("p2psip_dns_questions_total", "Questions sent to DNS servers.")
    this.#unanswered = runtime.metrics.counter("p2psip_dns_unanswered_total", "Questions that no DNS server could answer.")
  }

  /** Rejects with `P2PSIP_TIMEOUT`, `P2PSIP_UNREACHABLE` or `P2PSIP_LIMIT`. What cannot be a name has no records. */
  async ask<T extends RecordType>(name: string, type: T): Promise<Reply<T>> {
    if (!isDnsName(name)) return { records: [], ttlSeconds: undefined }
    if (this.#pending >= this.#maxPending) throw new P2PSipError("P2PSIP_LIMIT", `${this.#pending} DNS questions are under way: try again later`)
    this.#pending++
    try {
      return await this.#askAll(name, type)
    } finally {
      this.#pending--
    }
  }

  async #askAll<T extends RecordType>(name: string, type: T): Promise<Reply<T>> {
    let failure: unknown
    for (let round = 0; round < this.#rounds; round++) {
      for (const server of this.#servers) {
        try {
          const outcome = await this.#askOne(server, name, type, this.#timeoutMs * 2 ** round)
          if (typeof outcome !== "string") return outcome
          failure = new P2PSipError("P2PSIP_UNREACHABLE", `DNS server ${server.host}: expected the ${type} records of ${name}, found that it cannot tell`)
        } catch (error) {
          failure = error
        }
      }
    }
    this.#unanswered.add()
    throw failure
  }

  async #askOne<T extends RecordType>(server: DnsServer, name: string, type: T, timeoutMs: number): Promise<Outcome<T>> {
    const settings = { runtime: this.#runtime, server, timeoutMs }
    this.#asked.add()
    const outcome = await askOverUdp(settings, this.#question(name, type))
    return outcome === "useTcp" ? askOverTcp(settings, this.#question(name, type)) : outcome
  }

  #question<T extends RecordType>(name: string, type: T): Question<T> {
    return { id: this.#runtime.random.uint32() & 0xffff, name, type }
  }
}
