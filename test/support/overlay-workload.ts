/**
 * Writers that put and remove while an overlay changes, and the check that
 * nothing acknowledged was lost and nothing removed came back.
 *
 * Each key has one writer that waits for an answer before its next change and
 * numbers its changes, as a phone does with its CSeq. So the final state of a
 * key is that of the last acknowledged change, or of one that was tried later
 * and whose fate is unknown.
 */
import type { OverlayWorld, WorldPeer } from "./overlay-world.ts"

interface Change {
  readonly value: string | undefined
  outcome: "pending" | "acknowledged" | "failed"
}

interface Key {
  readonly name: string
  readonly changes: Change[]
  /** Peers that take this key's changes. */
  readonly from: () => readonly WorldPeer[]
}

export interface WorkloadOptions {
  readonly keys: number
  /** Mean time between two changes of a key. @default 1000 */
  readonly pauseMs?: number
  readonly ttlSeconds?: number
  readonly prefix?: string
  /** Where changes enter. @default all peers of the world */
  readonly from?: () => readonly WorldPeer[]
}

/** See the head of this file. */
export class Workload {
  readonly #world: OverlayWorld
  readonly #options: Required<WorkloadOptions>
  readonly #keys: Key[]
  readonly #writers: Promise<void>[] = []
  /** Errors of changes that failed. */
  readonly failures: string[] = []
  /** Reads between two changes of a key that did not find what it must then have. */
  readonly wrongReads: string[] = []
  reads = 0
  /** Until then reads are not judged: two sides of a partition still find out about each other. */
  lenientUntil = 0
  #isRunning = false

  constructor(world: OverlayWorld, options: WorkloadOptions) {
    this.#world = world
    this.#options = { pauseMs: 1000, ttlSeconds: 3600, prefix: "key", from: () => world.peers, ...options }
    this.#keys = Array.from({ length: options.keys }, (_, i) => ({ name: `${this.#options.prefix}${i}`, changes: [], from: this.#options.from }))
  }

  get acknowledged(): number {
    return this.#keys.reduce((sum, key) => sum + key.changes.filter((change) => change.outcome === "acknowledged").length, 0)
  }

  start(): void {
    this.#isRunning = true
    for (const key of this.#keys) this.#writers.push(this.#write(key))
  }

  /** Ends the writing; resolves when the last answers are in. */
  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#world.run(Promise.all(this.#writers))
  }

  /** Sentences about keys whose values, asked for at every peer, are not what they may be; empty when all is well. */
  async findDefects(consistency: "owner" | "all" = "owner"): Promise<string[]> {
    const defects: string[] = []
    for (const peer of this.#world.peers) {
      const found = await this.#world.run(Promise.all(this.#keys.map((key) => peer.servlet.get(key.name, { consistency }))))
      this.#keys.forEach((key, index) => {
        const values = (found[index] ?? []).map((value) => Buffer.from(value.value).toString())
        if (!isAllowed(values, key.changes)) defects.push(`${key.name} at ${peer.name}: found ${values.join(" ")}`)
      })
    }
    return defects
  }

  async #write(key: Key): Promise<void> {
    const { random } = this.#world.simulation
    while (this.#isRunning) {
      await this.#pause(random.float() * 2 * this.#options.pauseMs)
      const peers = key.from().filter((peer) => peer.servlet.state === "joined")
      const peer = peers[Math.floor(random.float() * peers.length)]
      if (peer === undefined || !this.#isRunning) continue
      const number = key.changes.length + 1
      const sequence = { series: "writer", number }
      const change: Change = { value: random.float() < 0.25 ? undefined : `${key.name}#${number}`, outcome: "pending" }
      key.changes.push(change)
      const { ttlSeconds } = this.#options
      const work =
        change.value === undefined
          ? peer.servlet.remove(key.name, "slot", { sequence })
          : peer.servlet.put(key.name, change.value, { valueHash: "slot", ttlSeconds, sequence })
      await Promise.race([this.#settle(change, work), this.#gone(peer)])
      await this.#read(key)
    }
  }

  /** Nothing of this key is being changed now: any peer must find its present state. */
  async #read(key: Key): Promise<void> {
    const { random, now } = this.#world.simulation
    const peers = key.from().filter((peer) => peer.servlet.state === "joined")
    const peer = peers[Math.floor(random.float() * peers.length)]
    if (peer === undefined) return
    const work = peer.servlet.get(key.name).then((found) => {
      this.reads++
      const values = found.map((value) => Buffer.from(value.value).toString())
      const number = key.changes.length
      if (now >= this.lenientUntil && !isAllowed(values, key.changes)) this.wrongReads.push(`${key.name} after change ${number} at ${peer.name}, ${now} ms: found ${values.join(" ")}`)
    }, (error: unknown) => void this.failures.push(String(error)))
    await Promise.race([work, this.#gone(peer)])
  }

  async #settle(change: Change, work: Promise<unknown>): Promise<void> {
    try {
      await work
      change.outcome = "acknowledged"
    } catch (error) {
      change.outcome = "failed"
      this.failures.push(String(error))
    }
  }

  /** Resolves when the peer has crashed: its answers will never come. */
  async #gone(peer: WorldPeer): Promise<void> {
    while (peer.process.isUp) await this.#pause(200)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.simulation.after(ms, resolve))
  }
}

function isAllowed(values: readonly string[], changes: readonly Change[]): boolean {
  const allowed = allowedValues(changes)
  return values.length === 0 ? allowed.has(undefined) : values.length === 1 && allowed.has(values[0])
}

function allowedValues(changes: readonly Change[]): Set<string | undefined> {
  const last = changes.findLastIndex((change) => change.outcome === "acknowledged")
  const allowed = new Set(changes.slice(Math.max(0, last)).map((change) => change.value))
  if (last < 0) allowed.add(undefined)
  return allowed
}
