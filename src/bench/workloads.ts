/** The kinds of work and their rates: such that two cores can do them beside the program that makes the load. */
import type { Workload, WorkloadName } from "./model.ts"

/** In the order in which they run: who is looked up or removed has registered before. */
export const workloads: readonly Workload[] = [
  { name: "idle", title: "idle", about: "nobody asks: upkeep alone", by: "nobody", perSecond: 0 },
  { name: "register", title: "REGISTER, new", about: "REGISTER of a new user", by: "sip", perSecond: 400 },
  { name: "refresh", title: "REGISTER, again", about: "REGISTER of a known user, again", by: "sip", perSecond: 400 },
  { name: "lookup", title: "look-up", about: "where is a user, all alike", by: "servlet", perSecond: 800 },
  { name: "lookup-zipf", title: "look-up, popular", about: "where is a user, few of them popular", by: "servlet", perSecond: 800 },
  { name: "put", title: "put", about: "store a value", by: "servlet", perSecond: 400 },
  { name: "put-or-get", title: "put or get", about: "store, or tell what is there", by: "servlet", perSecond: 400 },
  { name: "call", title: "call", about: "INVITE 180 200 ACK BYE 200", by: "sip", perSecond: 50 },
  { name: "mixed", title: "mixed", about: "of 20: 15 refresh, 2 register, 1 remove, 2 calls", by: "sip", perSecond: 200 },
  { name: "remove", title: "REGISTER, remove", about: "REGISTER that ends a registration", by: "sip", perSecond: 400 },
  { name: "register-max", title: "REGISTER, new, flat out", about: "REGISTER of new users, as many as can be done", by: "sip", perSecond: 0, underWay: 128 },
  { name: "refresh-max", title: "REGISTER, flat out", about: "REGISTER again, as often as it can be done", by: "sip", perSecond: 0, underWay: 128 },
  { name: "lookup-max", title: "look-up, flat out", about: "look-ups, as many as can be done", by: "servlet", perSecond: 0, underWay: 128 },
  { name: "put-max", title: "put, flat out", about: "values stored, as many as can be done", by: "servlet", perSecond: 0, underWay: 128 },
  { name: "call-max", title: "call, flat out", about: "calls, as many as can be done", by: "sip", perSecond: 0, underWay: 128 },
  { name: "session-create", title: "session, create", about: "7,500 sessions, each stored where there is none", by: "servlet", perSecond: 0, underWay: 128, operations: { warmUp: 3500, counted: 7500 } },
  { name: "session-get", title: "session, get", about: "all of them, each looked up", by: "servlet", perSecond: 0, underWay: 128, operations: { warmUp: 0, counted: 7500 } },
  { name: "session-destroy", title: "session, destroy", about: "all of them, each removed", by: "servlet", perSecond: 0, underWay: 128, operations: { warmUp: 0, counted: 7500 } },
]

/** The workload of that name. */
export function workloadOf(name: WorkloadName): Workload {
  const found = workloads.find((workload) => workload.name === name)
  if (found === undefined) throw new Error(`no workload ${name}`)
  return found
}

/** Of 20 requests of workload `mixed`, the kind of each. */
export const mixture: readonly ("refresh" | "register" | "remove" | "call")[] = [
  "refresh", "refresh", "register", "refresh", "refresh", "refresh", "call", "refresh", "refresh", "refresh",
  "refresh", "refresh", "register", "refresh", "refresh", "remove", "call", "refresh", "refresh", "refresh",
]
