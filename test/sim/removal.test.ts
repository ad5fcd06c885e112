/** A removal of everything in one half of a network that was cut holds in the other half as well. */
import { describe, expect, test } from "vitest"
import { backend as bamboo } from "../../backends/bamboo/index.ts"
import { backend as chord } from "../../backends/chord/index.ts"
import { backend as kademlia } from "../../backends/kademlia/index.ts"
import type { BackendModule, Consistency, P2PSipServlet } from "../../src/servlet/index.ts"
import type { FleetMember } from "../../src/sim/fleet.ts"
import { Fleet } from "../../src/sim/fleet.ts"
import { Simulation } from "../../src/sim/index.ts"

const peers = 12
const keys = Array.from({ length: 60 }, (_, number) => `sip:user${number}@example.test`)
/** Changed in the right half before the removal, after it, and not at all. */
const [before, after] = [keys.slice(0, 20), keys.slice(20, 40)]
/** As long as copies from before the cut may be held by peers that have no more to do with the key. */
const strayMs = 600_000

class Scene {
  readonly simulation: Simulation
  readonly fleet: Fleet

  constructor(backend: BackendModule, storage: "memory" | "disk") {
    this.simulation = new Simulation({ seed: 5, latency: 20 })
    this.fleet = new Fleet({ simulation: this.simulation, backend }, { storage, maxClockSkewMs: 10_000 })
  }

  get halves(): readonly [readonly FleetMember[], readonly FleetMember[]] {
    const { serving } = this.fleet
    return [serving.filter((_, at) => at % 2 === 0), serving.filter((_, at) => at % 2 === 1)]
  }

  async form(): Promise<void> {
    for (let at = 0; at < peers; at++) await this.simulation.wait(this.fleet.start(this.fleet.freshName(), { first: at === 0 }))
    // Until all clocks have been heard of everywhere.
    await this.simulation.run(60_000)
  }

  async part(): Promise<void> {
    this.simulation.network.partition([this.halves[0].map(({ name }) => name)])
    await this.simulation.run(30_000)
  }

  async heal(): Promise<void> {
    this.simulation.network.heal()
    await this.simulation.run(60_000)
  }

  async put(member: FleetMember | undefined, names: readonly string[], value: string): Promise<void> {
    await this.#each(member, names, (servlet, key) => servlet.put(key, value, { valueHash: value, ttlSeconds: 3600 }))
  }

  async removeAll(member: FleetMember | undefined, names: readonly string[]): Promise<void> {
    await this.#each(member, names, (servlet, key) => servlet.update(key, [{ kind: "removeAll" }]))
  }

  /** What every peer reads. */
  async expectAll(
    names: readonly string[], values: readonly string[], consistencies: readonly Consistency[] = ["owner", "all"],
  ): Promise<void> {
    for (const { name, servlet } of this.fleet.serving) {
      for (const consistency of consistencies) {
        const found = await this.simulation.wait(Promise.all(names.map((key) => servlet.get(key, { consistency }))))
        const texts = found.map((list) => list.map(({ value }) => Buffer.from(value).toString()).sort())
        expect(texts, `${consistency} at ${name}`).toEqual(names.map(() => [...values].sort()))
      }
    }
  }

  async #each(
    member: FleetMember | undefined, names: readonly string[], change: (servlet: P2PSipServlet, key: string) => Promise<unknown>,
  ): Promise<void> {
    if (member === undefined) throw new Error("no such peer")
    await this.simulation.wait(Promise.all(names.map((key) => change(member.servlet, key))))
    await this.simulation.run(2_000)
  }
}

describe.each([chord, bamboo, kademlia])("$name", (backend) => {
  test.each(["memory", "disk"] as const)("nothing that was there comes back when the halves meet, and what came later stays; records in %s", async (storage) => {
    const scene = new Scene(backend, storage)
    await scene.form()
    await scene.put(scene.fleet.serving[0], keys, "early")
    await scene.part()
    const [[left], [right]] = scene.halves
    await scene.put(right, before, "before")
    await scene.removeAll(left, keys)
    await scene.put(right, after, "after")
    await scene.heal()
    await scene.expectAll(keys.filter((key) => !after.includes(key)), [])
    await scene.expectAll(after, ["after"])
    await scene.simulation.run(strayMs)
    await scene.expectAll(keys.filter((key) => !after.includes(key)), [], ["any"])
    await scene.expectAll(after, ["after"], ["any"])

    await scene.put(left, keys, "anew")
    await scene.expectAll(before, ["anew"])
    await scene.expectAll(after, ["after", "anew"])
    await scene.removeAll(right, keys)
    await scene.expectAll(keys, [])
    expect(scene.simulation.log.filter(({ level }) => level === "error")).toEqual([])
  })
})
