/** All peers name the same owner for a key, and that owner serves. */
import type { LookupEvent } from "../../servlet/types.ts"
import type { Fleet, FleetMember } from "../fleet.ts"
import type { Violation } from "./records.ts"

/** Looks the keys up from every serving peer, or from so many. Lets virtual time pass. */
export async function checkOwnership(fleet: Fleet, keys: readonly string[], readers = Infinity): Promise<Violation[]> {
  const chosen = readers >= fleet.serving.length ? fleet.serving : fleet.simulation.random.sample(fleet.serving, readers)
  const violations: Violation[] = []
  let seen: readonly FleetMember[] = []
  let serving: ReadonlySet<string> = new Set()
  for (const key of keys) {
    if (fleet.serving !== seen) {
      seen = fleet.serving
      // By the overlay's names: those of a mesh are not the Link's.
      serving = new Set(seen.map(({ name, servlet }) => servlet.status().self?.peerId ?? name))
    }
    const last = await fleet.simulation.wait(Promise.all(chosen.map((member) => lastEvent(member, key))))
    const owners = new Map<string, string[]>()
    last.forEach((event, index) => {
      const reader = chosen[index]?.name ?? ""
      const answer = event?.name === "done" ? event.owner.peerId : `nobody (${event?.name === "failed" ? event.code : "no end"})`
      owners.set(answer, [...(owners.get(answer) ?? []), reader])
    })
    const named = [...owners.keys()]
    if (named.length === 1 && serving.has(named[0] ?? "")) continue
    const views = [...owners].map(([owner, readers]) => `${owner} according to ${readers.slice(0, 5).join(", ")}`)
    violations.push({ kind: "liveness", law: "all peers agree on the owner of a key", detail: `${key}: ${views.join("; ")}` })
  }
  return violations
}

async function lastEvent(member: FleetMember, key: string): Promise<LookupEvent | undefined> {
  let last: LookupEvent | undefined
  for await (const event of member.servlet.lookup(key)) last = event
  return last
}
