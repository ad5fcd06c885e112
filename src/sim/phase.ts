/** What happens in a part of a run: the time of the faults, without the start before and the quiet after. */
import type { Fleet } from "./fleet.ts"
import { summariseLatency } from "./latency-summary.ts"
import type { LatencySummary } from "./latency-summary.ts"
import type { Lookups } from "./workloads/lookups.ts"
import type { Registrations } from "./workloads/registrations.ts"

/** Rates are per peer and second of virtual time. */
export interface PhaseReport {
  readonly seconds: number
  /** Running peers, on average. */
  readonly peers: number
  readonly messagesPerPeerSecond: number
  readonly bytesPerPeerSecond: number
  /** The heaviest kind of frame first. */
  readonly byKind: Readonly<Record<string, { readonly messages: number; readonly bytes: number }>>
  /** Peers asked for one operation, and how many of them were silent. */
  readonly hops: { readonly mean: number; readonly counts: readonly number[]; readonly silentPerOperation: number }
  readonly writes: { readonly acknowledged: number; readonly failed: number; readonly latency: LatencySummary }
  readonly reads?: {
    readonly answered: number
    readonly failed: number
    readonly inconsistent: number
    /** Of all that were neither abandoned nor unanswered for lack of an asker, those answered with the truth. */
    readonly consistentShare: number
    readonly latency: LatencySummary
  }
}

const sampleMs = 1000

/** Who works while a phase is observed. */
export interface Workloads {
  readonly registrations: Registrations
  readonly lookups: Lookups | undefined
}

/** Begins to observe; `end` gives the report. */
export class Phase {
  readonly #fleet: Fleet
  readonly #work: Workloads
  readonly #before: ReturnType<typeof readCounts>
  #peerSamples = 0
  #samples = 0
  #isOver = false

  constructor(fleet: Fleet, work: Workloads) {
    this.#fleet = fleet
    this.#work = work
    this.#before = readCounts(fleet, work)
    this.#sample()
  }

  end(): PhaseReport {
    this.#isOver = true
    const { simulation } = this.#fleet
    const before = this.#before
    const after = readCounts(this.#fleet, this.#work)
    const { registrations, lookups } = this.#work
    const seconds = (after.at - before.at) / 1000
    const peers = this.#peerSamples / this.#samples
    const rate = (count: number): number => round(count / Math.max(1, seconds * peers))
    const kinds = simulation.network.traffic.heaviest(before.traffic)
    const operations = after.operations - before.operations
    return {
      seconds: round(seconds),
      peers: Math.round(peers),
      messagesPerPeerSecond: rate(after.frames - before.frames),
      bytesPerPeerSecond: rate(after.bytes - before.bytes),
      byKind: Object.fromEntries(kinds.map(([kind, share]) => [kind, { messages: rate(share.frames), bytes: rate(share.bytes) }])),
      hops: {
        mean: round((after.hopSum - before.hopSum) / Math.max(1, operations)),
        counts: after.hopCounts.map((count, at) => count - (before.hopCounts[at] ?? 0)),
        silentPerOperation: round((after.silent - before.silent) / Math.max(1, operations)),
      },
      writes: {
        acknowledged: after.written - before.written,
        failed: after.unwritten - before.unwritten,
        latency: summariseLatency(registrations.latenciesMs.slice(before.written, after.written)),
      },
      ...(lookups === undefined ? {} : { reads: readsBetween(lookups, before, after) }),
    }
  }

  #sample(): void {
    if (this.#isOver) return
    this.#samples++
    this.#peerSamples += this.#fleet.running.length
    this.#fleet.simulation.after(sampleMs, () => this.#sample())
  }
}

function readCounts(fleet: Fleet, { registrations, lookups }: Workloads) {
  const { network, metrics, now } = fleet.simulation
  const hops = metrics.histograms.get("p2psip_overlay_hops")
  return {
    at: now,
    frames: network.framesSent,
    bytes: network.bytesSent,
    traffic: network.traffic.counts(),
    operations: hops?.count ?? 0,
    hopSum: hops?.sum ?? 0,
    hopCounts: [...(hops?.counts ?? [])],
    silent: metrics.count("p2psip_overlay_silent_hops_total"),
    written: registrations.latenciesMs.length,
    unwritten: registrations.failed,
    answered: lookups?.answered ?? 0,
    failed: lookups?.failed ?? 0,
    inconsistent: lookups?.inconsistent ?? 0,
  }
}

function readsBetween(lookups: Lookups, before: ReturnType<typeof readCounts>, after: ReturnType<typeof readCounts>): NonNullable<PhaseReport["reads"]> {
  const answered = after.answered - before.answered
  const failed = after.failed - before.failed
  const inconsistent = after.inconsistent - before.inconsistent
  return {
    answered,
    failed,
    inconsistent,
    consistentShare: 1 - Math.min(1, (failed + inconsistent) / Math.max(1, answered + failed)),
    latency: summariseLatency(lookups.latenciesMs.slice(before.answered, after.answered)),
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
