import { sourceOf } from "./source.ts"

/** How many accepted sockets each source has, which is an IPv4 address or an IPv6 /64: one site has as many addresses of that as it likes. */
export class AcceptedSources {
  readonly #counts = new Map<string, number>()

  /** Of the source that this address belongs to. */
  count(host: string): number {
    return this.#counts.get(sourceOf(host)) ?? 0
  }

  /** One has been accepted from that address. */
  add(host: string): void {
    this.#counts.set(sourceOf(host), this.count(host) + 1)
  }

  /** One from that address has closed. */
  remove(host: string): void {
    const left = this.count(host) - 1
    if (left > 0) this.#counts.set(sourceOf(host), left)
    else this.#counts.delete(sourceOf(host))
  }
}
