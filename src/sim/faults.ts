/** What can go wrong, as plain data: a scenario is replayed, and shrunk, by its list of faults. */
import type { DiskFate, Fleet, FleetMember } from "./fleet.ts"
import type { CommitTrap, SimDisk } from "./sim-disk.ts"

/** One fault. `victims` and `share` pick from those that run at that moment, by the scenario's randomness. */
export type Fault =
  /** Processes die at once. */
  | { readonly kind: "crash"; readonly victims: number }
  /**
   * The same, and each starts again with its identity but without its memory; where records are kept on disks, with
   * what this does to them (`disk`, nothing if it is not said). Where it is `graceful`, they leave before.
   */
  | { readonly kind: "restart"; readonly victims: number; readonly downMs: number; readonly disk?: DiskFate; readonly graceful?: boolean }
  /** The next time that they write to their disks within `forMs`, processes die in the midst of it, and start again. */
  | { readonly kind: "crash-in-commit"; readonly victims: number; readonly downMs: number; readonly forMs: number }
  /** All processes die at once and start again with their disks, one of them first, for the others to join. */
  | { readonly kind: "blackout"; readonly downMs: number }
  /** Disks take nothing for a while. */
  | { readonly kind: "disk-full"; readonly victims: number; readonly forMs: number }
  /** Disks take their time for every commit, and with it the processes', for a while. */
  | { readonly kind: "slow-disk"; readonly victims: number; readonly byMs: number; readonly forMs: number }
  /** Processes stand still for a while: what is due is late, what arrives waits. */
  | { readonly kind: "pause"; readonly victims: number; readonly forMs: number }
  /** Peers leave properly. */
  | { readonly kind: "leave"; readonly victims: number }
  /** New peers start at once. */
  | { readonly kind: "join"; readonly newcomers: number }
  /** That share of all peers is cut off from the rest for a while. */
  | { readonly kind: "partition"; readonly share: number; readonly forMs: number }
  /** No frames from one peer to another for a while; the way back is open. */
  | { readonly kind: "one-way"; readonly forMs: number }
  /** Frames are lost with that probability for a while. */
  | { readonly kind: "loss"; readonly rate: number; readonly forMs: number }
  /** That share of all connections breaks, and with each half of what is on its way there; who needs one dials anew. */
  | { readonly kind: "reset"; readonly share: number }
  /** Peers deal with everything late for a while. */
  | { readonly kind: "slow"; readonly victims: number; readonly byMs: number; readonly forMs: number }
  /** Peers' clocks are set wrong. */
  | { readonly kind: "clock"; readonly victims: number; readonly byMs: number }

/** A fault and when it happens, in virtual milliseconds from the start of the faults. */
export type TimedFault = Fault & { readonly atMs: number }

/** A peer that has served for so long holds its copies. */
const settledMs = 15_000

/**
 * Those that may go: all but one that holds copies of everything it should.
 * An overlay of which nobody is left to join is no overlay any more.
 */
function expendable(fleet: Fleet): FleetMember[] {
  const { now, random } = fleet.simulation
  const settled = fleet.serving.filter((member) => now - (member.joinedAt ?? now) >= settledMs)
  const kept = random.pick(settled)
  return kept === undefined ? [] : fleet.running.filter((member) => member !== kept)
}

/** Others may have gone meanwhile: the last one that holds everything is spared. */
function setTrap(fleet: Fleet, disk: SimDisk, name: string, { downMs, forMs }: { readonly downMs: number; readonly forMs: number }): void {
  const { simulation } = fleet
  const trap: CommitTrap = {
    at: simulation.random.chance(0.5) ? "begin" : "end",
    spring: () => {
      if (!expendable(fleet).some((member) => member.name === name)) return false
      fleet.crash(name, "kept")
      simulation.after(downMs, () => void fleet.start(name))
      return true
    },
  }
  disk.trap = trap
  simulation.after(forMs, () => {
    if (disk.trap === trap) disk.trap = undefined
  })
}

function blackOut(fleet: Fleet, downMs: number): void {
  const { simulation } = fleet
  const names = fleet.running.map(({ name }) => name)
  const first = simulation.random.pick(fleet.serving)?.name
  if (first === undefined) return
  for (const name of names) fleet.crash(name, "kept")
  simulation.after(downMs, () => {
    for (const name of names) void fleet.start(name, { first: name === first })
  })
}

/** Lets a fault happen, now; those that last end by themselves. */
export function injectFault(fleet: Fleet, fault: Fault): void {
  const { simulation } = fleet
  const { network, random } = simulation
  const pick = (count: number) => random.sample(expendable(fleet), count)
  simulation.note(JSON.stringify(fault))
  switch (fault.kind) {
    case "crash":
      for (const { name } of pick(fault.victims)) fleet.crash(name)
      return
    case "restart":
      for (const { name } of pick(fault.victims)) {
        const startAgain = (): void => simulation.after(fault.downMs, () => void fleet.start(name))
        const fate = fault.disk ?? "kept"
        if (fault.graceful === true) void fleet.leave(name, fate).then((isGone) => isGone && startAgain())
        else {
          fleet.crash(name, fate)
          startAgain()
        }
      }
      return
    case "crash-in-commit":
      for (const { name, disk } of pick(fault.victims)) if (disk !== undefined) setTrap(fleet, disk, name, fault)
      return
    case "blackout":
      blackOut(fleet, fault.downMs)
      return
    case "disk-full":
      for (const { disk } of pick(fault.victims)) {
        if (disk === undefined) continue
        disk.isFull = true
        simulation.after(fault.forMs, () => {
          disk.isFull = false
        })
      }
      return
    case "slow-disk":
      for (const { disk } of pick(fault.victims)) {
        if (disk === undefined) continue
        disk.commitMs = fault.byMs
        simulation.after(fault.forMs, () => {
          disk.commitMs = 0
        })
      }
      return
    case "pause":
      for (const { peer } of pick(fault.victims)) peer.stall(fault.forMs)
      return
    case "leave":
      for (const { name } of pick(fault.victims)) void fleet.leave(name)
      return
    case "join":
      for (let count = 0; count < fault.newcomers; count++) void fleet.start(fleet.freshName())
      return
    case "partition": {
      const names = fleet.running.map((member) => member.name)
      network.partition([random.sample(names, Math.round(names.length * fault.share))])
      simulation.after(fault.forMs, () => network.heal())
      return
    }
    case "one-way": {
      const [from, to] = random.sample(fleet.running, 2)
      if (from === undefined || to === undefined) return
      network.block(from.name, to.name)
      simulation.after(fault.forMs, () => network.unblock(from.name, to.name))
      return
    }
    case "loss": {
      network.conditions.lossRate = fault.rate
      simulation.after(fault.forMs, () => {
        network.conditions.lossRate = 0
      })
      return
    }
    case "reset":
      network.resetConnections(fault.share)
      return
    case "slow":
      for (const { peer } of pick(fault.victims)) {
        peer.slowDown(fault.byMs)
        simulation.after(fault.forMs, () => peer.slowDown(0))
      }
      return
    case "clock":
      for (const { peer } of pick(fault.victims)) peer.runtime.clockError.skewMs += fault.byMs
  }
}
