/** A profile of a REGISTER as a table and as a picture. */
import { render } from "../sim/chart.ts"
import { chartConfig } from "./charts.ts"
import { parts } from "./cpu-profiles.ts"
import type { FunctionTime } from "./cpu-profiles.ts"
import type { ProcessDivision } from "./process-cost.ts"

/** What one REGISTER takes of all peers together; all times in µs. */
export interface RegisterProfile {
  readonly label: string
  readonly question: string
  readonly each: ProcessDivision
  /** Of the main threads, by themselves, the longest first. */
  readonly functions: readonly FunctionTime[]
  readonly parts: Readonly<Record<string, number>>
}

const others = "other threads"
const all = [...parts, others]
const colours = ["#0072B2", "#56B4E9", "#009E73", "#7FCBB1", "#E69F00", "#F0C869", "#B8A800", "#D55E00", "#CC79A7", "#9A9A9A", "#555555", "#222222"]

/** A line for each part, a column for each profile. */
export function rowsOf(profiles: readonly RegisterProfile[]): object[] {
  const line = (name: string, of: (profile: RegisterProfile) => number): object => ({
    "µs each": name, ...Object.fromEntries(profiles.map((profile) => [profile.label, Number(of(profile).toFixed(1))])),
  })
  return [
    ...all.map((part) => line(part, (profile) => amountOf(profile, part))),
    line("in all", ({ each }) => each.allThreads),
    line("of it in the kernel", ({ each }) => each.kernel),
  ]
}

function amountOf({ each, parts: own }: RegisterProfile, part: string): number {
  return part === others ? each.allThreads - each.mainThread : own[part] ?? 0
}

/** One bar a profile, parts side by side; under it what of it the kernel takes. */
export function drawProfiles(profiles: readonly RegisterProfile[]): Promise<string> {
  const values = profiles.flatMap((profile) => {
    let from = 0
    return all.map((part) => {
      const amount = amountOf(profile, part)
      const row = { label: profile.label, part, from, to: from + amount, middle: from + amount / 2, text: amount >= 0.04 * profile.each.allThreads ? amount.toFixed(0) : "" }
      from += amount
      return row
    })
  })
  const totals = profiles.map(({ label, each }) => ({ label, to: each.allThreads, text: `${each.allThreads.toFixed(0)} µs, ${each.kernel.toFixed(0)} of it in the kernel` }))
  const y = { field: "label", type: "nominal", sort: profiles.map(({ label }) => label), title: null, axis: { labelLimit: 200 } }
  const color = { field: "part", type: "nominal", sort: all, scale: { domain: all, range: colours }, title: null, legend: { columns: 4, orient: "bottom", labelLimit: 300, symbolType: "square", direction: "horizontal" } }
  return render({
    width: 720,
    height: { step: 64 },
    layer: [
      { data: { values }, mark: { type: "bar", height: 30 }, encoding: { y, x: { field: "from", type: "quantitative", title: `CPU µs of all peers for one REGISTER (${profiles.at(-1)?.question ?? ""})` }, x2: { field: "to" }, color } },
      { data: { values }, mark: { type: "text", fontSize: 12, color: "white" }, encoding: { y, x: { field: "middle", type: "quantitative" }, text: { field: "text", type: "nominal" } } },
      { data: { values: totals }, mark: { type: "text", fontSize: 12, align: "left", dx: 0, dy: -24, color: "#333333" }, encoding: { y, x: { datum: 0 }, text: { field: "text", type: "nominal" } } },
    ],
    config: chartConfig,
  })
}
