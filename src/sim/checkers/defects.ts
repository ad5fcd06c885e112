/** Whatever a peer logs as an error is a defect of this package's own: nothing that happens to a peer from outside is one. */
import type { LogLine } from "../sim-log.ts"
import type { Simulation } from "../simulation.ts"
import type { Violation } from "./records.ts"

/** Looks at the log that was kept. */
export function checkDefects(simulation: Simulation): Violation[] {
  return simulation.log
    .filter((line) => line.level === "error" && !isOfDisk(line))
    .slice(0, 5)
    .map(({ timeMs, peer, message, fields }) => {
      const error = Object.values(fields).find((field) => field instanceof Error)
      const detail = `${peer} at ${Math.round(timeMs)} ms: ${message}${error === undefined ? "" : `: ${error.stack}`}`
      return { kind: "safety", law: "no peer meets a defect", detail }
    })
}

/** Disks fail because the scenario wants it. */
function isOfDisk({ fields }: LogLine): boolean {
  return "code" in fields && fields.code === "P2PSIP_STORAGE"
}
