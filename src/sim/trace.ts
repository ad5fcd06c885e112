/**
 * Churn as it was measured somewhere: when each peer came, and when and how it
 * went. A line for each session, in seconds from the beginning of the trace:
 *
 *     # join   end     how     peer
 *     0        3600    crash
 *     12.5     -       -       host-17
 *     20       3000    leave   host-4
 *     3100     -       -       host-4
 *
 * `how` is `crash` or `leave`; `-` stands for sessions that outlast the trace.
 * A peer that is named comes back as itself, one that is not was there once.
 * What follows `#`, and empty lines, count for nothing. Lines come in any order.
 */
import { readFileSync, statSync } from "node:fs"
import { P2PSipError } from "../errors.ts"
import type { Fleet } from "./fleet.ts"

/** One stay of one peer, in virtual milliseconds from the beginning of the trace. */
export interface TraceSession {
  readonly joinMs: number
  /** Undefined: it outlasts the trace. */
  readonly end: { readonly atMs: number; readonly how: "crash" | "leave" } | undefined
  /** Undefined: seen once. */
  readonly peer: string | undefined
}

const maxFileBytes = 64 * 1024 * 1024
const maxSessions = 1_000_000
/** A year. */
const maxSeconds = 366 * 86_400
const peerName = /^[\w.:-]{1,64}$/

/** Reads a trace, its sessions in the order of their beginnings. Throws `P2PSIP_BAD_CONFIG`, in one line. */
export function readTrace(path: string): TraceSession[] {
  let text: string
  try {
    const { size } = statSync(path)
    if (size > maxFileBytes) throw badTrace(path, undefined, `at most ${maxFileBytes} bytes`, `${size}`)
    text = readFileSync(path, "utf8")
  } catch (cause) {
    if (cause instanceof P2PSipError) throw cause
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `trace: expected a readable file of sessions, found none at ${path}`, { cause })
  }
  return parseTrace(text, path)
}

/** @see {@link readTrace} */
export function parseTrace(text: string, source: string): TraceSession[] {
  const sessions: { readonly session: TraceSession; readonly line: number }[] = []
  text.split("\n").forEach((whole, index) => {
    const fields = whole.replace(/#.*/s, "").trim().split(/\s+/)
    if (fields[0] === "") return
    if (sessions.length === maxSessions) throw badTrace(source, index + 1, `at most ${maxSessions} sessions`, "one more")
    sessions.push({ session: parseSession(fields, source, index + 1), line: index + 1 })
  })
  if (sessions.length === 0) throw badTrace(source, undefined, "at least one session", "none")
  sessions.sort((a, b) => a.session.joinMs - b.session.joinMs)
  const lastEnd = new Map<string, number>()
  for (const { session: { peer, joinMs, end }, line } of sessions) {
    if (peer === undefined) continue
    if ((lastEnd.get(peer) ?? -1) >= joinMs) throw badTrace(source, line, `${peer} to have gone before it comes again`, "an earlier session that lasts longer")
    lastEnd.set(peer, end?.atMs ?? Infinity)
  }
  return sessions.map(({ session }) => session)
}

function parseSession(fields: readonly string[], source: string, line: number): TraceSession {
  const [join = "", end = "", how = "", peer] = fields
  if (fields.length < 3 || fields.length > 4) throw badTrace(source, line, "JOIN END crash|leave [PEER]", fields.join(" "))
  const joinMs = parseSeconds(join, source, line)
  if (peer !== undefined && !peerName.test(peer)) throw badTrace(source, line, "a peer's name of letters, digits and . : _ -", peer)
  if (end === "-" && how === "-") return { joinMs, end: undefined, peer }
  if (how !== "crash" && how !== "leave") throw badTrace(source, line, "crash or leave, or - for both END and how", how)
  const atMs = parseSeconds(end, source, line)
  if (atMs <= joinMs) throw badTrace(source, line, "an end after the beginning", `${join} ${end}`)
  return { joinMs, end: { atMs, how }, peer }
}

function parseSeconds(text: string, source: string, line: number): number {
  const seconds = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN
  if (!(seconds <= maxSeconds)) throw badTrace(source, line, `seconds, from 0 to ${maxSeconds}`, text)
  return seconds * 1000
}

function badTrace(source: string, line: number | undefined, expected: string, found: string): P2PSipError {
  const where = line === undefined ? source : `line ${line} of ${source}`
  const shown = JSON.stringify(found.length > 40 ? `${found.slice(0, 40)}…` : found)
  return new P2PSipError("P2PSIP_BAD_CONFIG", `trace: expected ${expected}, found ${shown}, in ${where}`)
}

/** When the last session of a trace begins or ends. */
export function traceEndMs(sessions: readonly TraceSession[]): number {
  return sessions.reduce((last, { joinMs, end }) => Math.max(last, end?.atMs ?? joinMs), 0)
}

/**
 * Plays a trace, from now on. What would end the overlay does not happen: one
 * that serves is left, though its session be over.
 */
export function playTrace(fleet: Fleet, sessions: readonly TraceSession[]): void {
  const { simulation } = fleet
  for (const { joinMs, end, peer } of sessions) {
    simulation.after(joinMs, () => {
      const name = peer === undefined ? fleet.freshName() : `trace-${peer}`
      // It has not gone yet: it is leaving, or was the last.
      if (fleet.member(name) !== undefined) return
      void fleet.start(name)
      if (end === undefined) return
      simulation.after(end.atMs - joinMs, () => {
        if (fleet.serving.every((member) => member.name === name)) return
        const fate = peer === undefined ? "lost" : "kept"
        if (end.how === "crash") fleet.crash(name, fate)
        else void fleet.leave(name, fate)
      })
    })
  }
}
