/** Path lengths of overlays that are whole, small and large. */
import { still } from "./maintenance.ts"
import type { Experiment } from "./experiment.ts"
import { costColumns, hour, second, worldOf } from "./experiment.ts"

/** The table of all members holds no more than this. */
const largestTable = 4096

/** See the head of this file. */
export const paths: Experiment = {
  about: "path lengths of 100 to 100,000 peers that start complete, with the table of all members off and on",
  trials: (choice) => {
    const { peers, backend } = choice
    const sizes = peers === undefined ? [100, 1000, 10_000, 100_000] : [peers]
    return sizes.flatMap((size) =>
      [false, true].filter((isTable) => !isTable || size <= largestTable).map((isTable) => ({
        label: `${size}${isTable ? " with table" : ""}`,
        series: isTable ? "with table" : "without table",
        scenario: {
          ...worldOf(choice), peers: size,
          backendOptions: { ...still(backend), ...(isTable ? {} : { membership: { maxMembers: 1 } }) },
          registrations: { phones: 1000, meanIntervalMs: hour }, lookups: { perSecond: 200 },
          warmUpMs: second, faultsMs: 20 * second, healMs: second, readers: 1,
        },
      })),
    )
  },
  columns: {
    ...costColumns,
    "½·log2 N": ({ scenario }) => Math.log2(scenario.peers) / 2,
    "log16 N + 1": ({ scenario }) => Math.log2(scenario.peers) / 4 + 1,
    "mean ms": ({ phase }) => phase?.reads?.latency.meanMs,
    "median ms": ({ phase }) => phase?.reads?.latency.medianMs,
    "p99 ms": ({ phase }) => phase?.reads?.latency.p99Ms,
    events: ({ events }) => events,
  },
  bars: [
    ...[100, 1000, 10_000, 100_000].flatMap((size) => [
      { backend: "chord", label: `${size}`, column: "hops", atMost: Math.log2(size) / 2 },
      { backend: "bamboo", label: `${size}`, column: "hops", atMost: Math.log2(size) / 4 + 1 },
      { backend: "kademlia", label: `${size}`, column: "median ms", atMost: 150 },
      { backend: "kademlia", label: `${size}`, column: "p99 ms", atMost: 1000 },
    ]),
    { label: "1000 with table", column: "hops", atMost: 1.01 },
  ],
  chart: { title: "Path length against size", x: { column: "peers", scale: "log" }, y: ["hops"], reference: "½·log2 N", unit: "hops" },
}
