import { expect, test, vi } from "vitest"
import { Custodian } from "../../../src/overlay/custodian.ts"
import { isSettledFor, unsettledFor } from "../../../src/overlay/custody.ts"
import { HybridClock } from "../../../src/overlay/hlc.ts"
import { idOfKey } from "../../../src/overlay/id.ts"
import type { KeyBasedRouting, KeyRange, Member, RoutingChange } from "../../../src/overlay/key-based-routing.ts"
import { wholeRing } from "../../../src/overlay/key-range.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { MemoryStore } from "../../../src/overlay/memory-store.ts"
import { Replication } from "../../../src/overlay/replication.ts"
import { RoutingListeners } from "../../../src/overlay/routing-listeners.ts"
import { Rpc } from "../../../src/overlay/rpc.ts"
import { Synchroniser } from "../../../src/overlay/synchroniser.ts"
import { Transfer } from "../../../src/overlay/transfer.ts"
import { Simulation } from "../../../src/sim/index.ts"

const key = idOfKey(Buffer.from("sip:alice@example.test"))

/** One that answers for everything beside fixed neighbours, of which `replicas` have copies, and takes that back for an instant when it is told to. */
class FixedRouting implements KeyBasedRouting {
  readonly self: Member
  readonly #neighbours: readonly Member[]
  readonly #replicas: readonly Member[]
  readonly #listeners: RoutingListeners
  #ranges: readonly KeyRange[] = [wholeRing]

  constructor(simulation: Simulation, self: Member, neighbours: readonly Member[], replicas = neighbours) {
    this.self = self
    this.#neighbours = neighbours
    this.#replicas = replicas
    this.#listeners = new RoutingListeners(simulation.addPeer("listeners").runtime)
  }

  lookAnew(): void {
    for (const ranges of [[], [wholeRing]]) {
      this.#ranges = ranges
      this.#listeners.tell()
    }
  }

  join = () => Promise.resolve()
  leave = () => Promise.resolve()
  stop = () => undefined
  suspect = () => undefined
  isResponsible = () => true
  nextHop = () => undefined
  ranges = () => this.#ranges
  neighbours = () => this.#neighbours
  replicaSet = () => [this.self, ...this.#replicas]
  describe = () => ({ peersKnown: this.#neighbours.length, neighbours: {} })
  onChange = (listener: (change: RoutingChange) => void) => this.#listeners.add(listener)
}

async function peer(simulation: Simulation, name: string) {
  const { runtime, link } = simulation.addPeer(name)
  await link.start()
  const rpc = new Rpc({ runtime, link })
  const transfer = new Transfer({ runtime, rpc, store: new MemoryStore({ runtime }), clock: new HybridClock(runtime) })
  return { runtime, rpc, transfer, self: memberOf(link.self) }
}

test("keys that are taken back for an instant are owed anew, also while a comparison is under way", async () => {
  const simulation = new Simulation({ seed: 1 })
  const [{ runtime, rpc, transfer, self }, near, far] = [await peer(simulation, "a"), await peer(simulation, "b"), await peer(simulation, "c")]
  const routing = new FixedRouting(simulation, self, [near.self, far.self])
  const custodian = new Custodian({ runtime, routing })
  const synchroniser = new Synchroniser({ runtime, routing, transfer, custodian, replication: new Replication({ runtime, rpc, routing }) })
  synchroniser.start()
  void synchroniser.settled(new AbortController().signal)
  await simulation.runUntil(() => isSettledFor(custodian.custody, "b", key), 1_000)
  expect(unsettledFor(custodian.custody, key)).toEqual([far.self])
  routing.lookAnew()
  expect(unsettledFor(custodian.custody, key)).toEqual([near.self, far.self])
  synchroniser.stop()
})

test("a member that cannot be called is compared with again after a while, not at once", async () => {
  const simulation = new Simulation({ seed: 1 })
  const { runtime, rpc, transfer, self } = await peer(simulation, "a")
  const routing = new FixedRouting(simulation, self, [], [memberOf({ peerId: "b", addresses: [] })])
  const compare = transfer.compare.bind(transfer)
  // Calls without a pause between them would never end: the thousandth gets no answer.
  const compared = vi.spyOn(transfer, "compare").mockImplementation((...call) => {
    return compared.mock.calls.length < 1_000 ? compare(...call) : new Promise(() => undefined)
  })
  const custodian = new Custodian({ runtime, routing })
  const synchroniser = new Synchroniser({ runtime, routing, transfer, custodian, replication: new Replication({ runtime, rpc, routing }) })
  synchroniser.start()
  void synchroniser.settled(new AbortController().signal)
  await simulation.run(10_000)
  expect(compared.mock.calls.length).toBeGreaterThan(1)
  expect(compared.mock.calls.length).toBeLessThan(50)
  synchroniser.stop()
})

test("a member that does not answer holds up no other", async () => {
  const simulation = new Simulation({ seed: 1 })
  const [{ runtime, rpc, transfer, self }, near, far] = [await peer(simulation, "a"), await peer(simulation, "b"), await peer(simulation, "c")]
  const dead = await peer(simulation, "d")
  simulation.peer("d")?.crash()
  const routing = new FixedRouting(simulation, self, [dead.self, near.self, far.self])
  const custodian = new Custodian({ runtime, routing })
  const synchroniser = new Synchroniser({ runtime, routing, transfer, custodian, replication: new Replication({ runtime, rpc, routing }) })
  synchroniser.start()
  void synchroniser.settled(new AbortController().signal)
  await simulation.run(1_000)
  expect(unsettledFor(custodian.custody, key)).toEqual([dead.self])
  synchroniser.stop()
})
