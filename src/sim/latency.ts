/** How long a frame is on its way: the simplest models. Times are one-way milliseconds, without queues. */
import type { SimRandom } from "./sim-random.ts"

/** A place for every host, and the distance between any two. Hosts are numbered from 0 in the order of their arrival. */
export interface LatencyModel {
  readonly name: string
  /** Gives the next host its place. */
  addHost(random: SimRandom): void
  oneWayMs(from: number, to: number): number
}

/** The same for all. */
export function constantLatency(oneWayMs: number): LatencyModel {
  return { name: `constant ${oneWayMs} ms`, addHost: () => undefined, oneWayMs: () => oneWayMs }
}
