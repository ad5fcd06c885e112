/**
 * The peers of one scenario: simulated processes that each run a servlet.
 *
 * Whatever happens to them goes through here, so that faults, churn and
 * workloads see the same picture: who runs, who has joined, who is going.
 */
import type { BackendModule } from "../servlet/backend.ts"
import type { P2PSipServlet } from "../servlet/servlet.ts"
import { P2PSipError, isP2PSipError } from "../errors.ts"
import type { PeerAddress } from "../link/link.ts"
import { SimDisk } from "./sim-disk.ts"
import type { DiskUser } from "./sim-disk.ts"
import { simAddress } from "./sim-link.ts"
import type { SimPeer } from "./sim-peer.ts"
import { SimRandom } from "./sim-random.ts"
import type { Simulation } from "./simulation.ts"

/** A running process with its servlet. */
export interface FleetMember {
  readonly name: string
  readonly peer: SimPeer
  readonly servlet: P2PSipServlet
  /** When the process started, and when its join succeeded. */
  readonly startedAt: number
  joinedAt: number | undefined
  isLeaving: boolean
  /** Of its machine, where records are kept on disk. */
  readonly disk: SimDisk | undefined
}

/** What is left of a peer when its process has ended. */
interface Machine {
  readonly disk: SimDisk
  readonly skewMs: number
}

/** What becomes of a peer's disk when its process ends: nothing, or it loses what was written last, or everything. */
export type DiskFate = "kept" | "unsynced" | "lost"

export interface FleetComponents {
  readonly simulation: Simulation
  readonly backend: BackendModule
}

export interface FleetOptions {
  /** As in the configuration file; checked by the backend's schema. */
  readonly backendOptions?: Readonly<Record<string, unknown>>
  /** Peers whose addresses a joiner is given. @default 3 */
  readonly bootstrapPeers?: number
  /** Wait after a join that failed. @default 2000 */
  readonly rejoinMs?: number
  /** Each peer's clock is wrong by up to this much, either way. @default 0 */
  readonly maxClockSkewMs?: number
  /** Whether records are kept on (simulated) disks, too. @default "memory" */
  readonly storage?: "memory" | "disk"
  /** So many of those who join are behind a NAT, and will be refused. @default 0 */
  readonly nattedShare?: number
}

/** See the head of this file. */
export class Fleet {
  readonly simulation: Simulation
  readonly #backend: BackendModule
  readonly #options: FleetOptions
  readonly #backendOptions: unknown
  readonly #members = new Map<string, FleetMember>()
  readonly #random: SimRandom
  readonly #machines = new Map<string, Machine>()
  #running: readonly FleetMember[] | undefined
  #serving: readonly FleetMember[] | undefined
  #created = 0
  /** Told of each process that has begun to listen, before it joins. */
  onStart: ((member: FleetMember) => void) | undefined
  /** When a peer last came or went. */
  lastChangeAt = 0
  joins = 0
  failedJoins = 0
  /** Joins of peers that nobody could have reached. */
  refusals = 0
  crashes = 0
  leaves = 0

  constructor(components: FleetComponents, options: FleetOptions = {}) {
    this.simulation = components.simulation
    this.#random = new SimRandom(components.simulation.seed, "fleet")
    this.#backend = components.backend
    this.#options = options
    this.#backendOptions = components.backend.optionsSchema.parse(options.backendOptions ?? {})
  }

  /** All running peers, in the order in which they started. A snapshot. */
  get running(): readonly FleetMember[] {
    this.#running ??= [...this.#members.values()]
    return this.#running
  }

  /** Those that have joined and are not on their way out: they serve clients. A snapshot. */
  get serving(): readonly FleetMember[] {
    this.#serving ??= this.running.filter((member) => member.joinedAt !== undefined && !member.isLeaving)
    return this.#serving
  }

  member(name: string): FleetMember | undefined {
    return this.#members.get(name)
  }

  /** A name that no peer has had. */
  freshName(): string {
    return `p${this.#created++}`
  }

  /** Starts an overlay of so many peers at once, complete. Resolves when all serve. */
  async form(count: number): Promise<void> {
    if (this.#backend.takesFounders !== true) {
      throw new P2PSipError("P2PSIP_BAD_CONFIG", `formed: expected a backend whose peers can start together, found ${this.#backend.name}`)
    }
    const names = Array.from({ length: count }, () => this.freshName())
    const founders = names.map(simAddress)
    await Promise.all(names.map((name) => this.start(name, { founders })))
  }

  /**
   * Starts a process and lets it join through some that serve; tries again
   * until it succeeds or the process ends. Resolves when it has joined (true)
   * or ended (false). With `first`, it starts an overlay of its own; with
   * `founders`, it takes its place among those who start one together.
   */
  async start(name: string, how: { readonly first?: boolean; readonly founders?: readonly PeerAddress[] } = {}): Promise<boolean> {
    const { simulation } = this
    const { maxClockSkewMs = 0, rejoinMs = 2000, storage, nattedShare = 0 } = this.#options
    const isNatted = how.first !== true && how.founders === undefined && this.#random.chance(nattedShare)
    const peer = simulation.addPeer(name, { isNatted })
    const freshSkewMs = Math.round(simulation.random.between(-maxClockSkewMs, maxClockSkewMs))
    const machine = this.#machines.get(name) ?? { disk: new SimDisk(), skewMs: freshSkewMs }
    const disk = storage === "disk" ? machine.disk : undefined
    if (disk !== undefined) this.#machines.set(name, machine)
    peer.runtime.clockError.skewMs = machine.skewMs
    const { founders } = how
    const isFirst = how.first === true || founders !== undefined
    const components = {
      runtime: peer.runtime,
      link: peer.link,
      ...(founders === undefined ? {} : { founders }),
      ...(disk === undefined ? {} : { openJournal: () => disk.open(this.#userOf(peer)) }),
    }
    const servlet = this.#backend.create(components, this.#backendOptions)
    const member: FleetMember = { name, peer, servlet, startedAt: simulation.now, joinedAt: undefined, isLeaving: false, disk }
    this.#members.set(name, member)
    this.#changed()
    simulation.note(`start ${name}`)
    await peer.link.start()
    this.onStart?.(member)
    while (this.#isCurrent(member) && !member.isLeaving) {
      const bootstrap = isFirst ? [] : this.#bootstrapFor(name)
      if (bootstrap.length > 0 || isFirst) {
        try {
          await servlet.join(bootstrap)
          member.joinedAt = simulation.now
          this.#changed()
          this.joins++
          return true
        } catch (error) {
          this.failedJoins++
          if (isNatted && isP2PSipError(error, "P2PSIP_UNREACHABLE")) return this.#giveUp(member)
        }
      }
      await simulation.sleep(rejoinMs)
    }
    return false
  }

  /** Nobody can reach it: its process ends. */
  #giveUp(member: FleetMember): boolean {
    this.refusals++
    this.#members.delete(member.name)
    this.#changed()
    member.peer.exit()
    return false
  }

  /** The process dies; without another word its machine is gone with it. */
  crash(name: string, fate: DiskFate = "lost"): void {
    const member = this.#members.get(name)
    if (member === undefined) return
    this.crashes++
    this.simulation.note(`crash ${name}`)
    this.#members.delete(name)
    this.#changed()
    member.peer.crash()
    if (fate === "lost") this.#machines.delete(name)
    if (fate === "unsynced") member.disk?.losePower(this.simulation.now)
  }

  /**
   * The peer leaves properly, then its process ends, and with `fate` "lost" its
   * machine. A crash in between is possible. True when this call has ended it.
   */
  async leave(name: string, fate: DiskFate = "lost"): Promise<boolean> {
    const member = this.#members.get(name)
    if (member === undefined || member.isLeaving) return false
    member.isLeaving = true
    this.#changed()
    this.leaves++
    this.simulation.note(`leave ${name}`)
    await member.servlet.leave()
    await member.peer.link.stop()
    if (!this.#isCurrent(member)) return false
    this.#members.delete(name)
    this.#changed()
    member.peer.exit()
    if (fate === "lost") this.#machines.delete(name)
    return true
  }

  #userOf(peer: SimPeer): DiskUser {
    return { now: () => this.simulation.now, stall: (durationMs) => peer.stall(durationMs) }
  }

  #bootstrapFor(name: string): string[] {
    const candidates = this.serving.filter((member) => member.name !== name)
    const chosen = this.simulation.random.sample(candidates, this.#options.bootstrapPeers ?? 3)
    return chosen.flatMap((member) => member.peer.link.self.addresses)
  }

  #changed(): void {
    this.lastChangeAt = this.simulation.now
    this.#running = undefined
    this.#serving = undefined
  }

  #isCurrent(member: FleetMember): boolean {
    return this.#members.get(member.name) === member
  }
}
