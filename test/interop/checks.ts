import { setTimeout as sleep } from "node:timers/promises"
import type { SippResult } from "../../src/bench/sipp.ts"

/** What is not whole again by then has failed. */
const maxRepairMs = 60_000

/**
 * How many requests or calls a load has open at most: slower processors get
 * the same load more slowly, instead of one that a peer may refuse with 503,
 * or that is sent again before it is answered.
 */
export function maxOpen(rate: number): number {
  return Math.max(25, Math.ceil(rate / 40))
}

/** What a scenario found out, one statement after the other. */
export interface Check {
  readonly name: string
  readonly passed: boolean
  /** Figures, for people. */
  readonly detail: string
}

/** Options that all scenarios share. */
export interface ScenarioOptions {
  readonly peers: number
  readonly backend: string
  /** How many addresses-of-record, or calls. */
  readonly count: number
  /** Requests or calls that are begun per second. */
  readonly rate: number
}

/** The domain of all addresses-of-record in these scenarios. */
export const domain = "example.org"

/** The item at `index`, going round. */
export function inTurn<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new Error("expected at least one item")
  return item
}

/** All of a run must have succeeded. */
export function judge(name: string, result: SippResult, expected: number): Check {
  const { successful, failed, retransmissions, elapsedSeconds, responseMs, complaints } = result
  const figures = [
    `${successful} of ${expected} succeeded`,
    `${failed} failed`,
    `${retransmissions} retransmissions`,
    `${Math.round(successful / Math.max(elapsedSeconds, 0.001))}/s`,
    `${responseMs.mean.toFixed(1)} ms on average (± ${responseMs.deviation.toFixed(1)})`,
  ].join(", ")
  const isRight = successful === expected && failed === 0
  return { name, passed: isRight, detail: isRight ? figures : `${figures}\n${complaints}` }
}

export function passed(name: string, detail: string): Check {
  return { name, passed: true, detail }
}

export function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1000).toFixed(1)} s`
}

/** Asks again until all is found. */
export async function untilAll(name: string, ask: () => Promise<SippResult>, expected: number): Promise<Check> {
  const startedAt = performance.now()
  for (;;) {
    const askedAt = performance.now() - startedAt
    const result = await ask()
    if (result.successful === expected) return passed(name, `${expected} of ${expected}, at the latest ${seconds(askedAt)} after`)
    if (askedAt > maxRepairMs) return judge(name, result, expected)
    await sleep(500)
  }
}
