/** Answers kept on their way: used where that is allowed, gone in time, and never in the way of the truth. */
import { describe, expect, test } from "vitest"
import { backend } from "../../backends/kademlia/index.ts"
import type { OverlayServlet } from "../../src/overlay/index.ts"
import { idOfKey } from "../../src/overlay/index.ts"
import type { Consistency, Value } from "../../src/servlet/index.ts"
import { Fleet } from "../../src/sim/fleet.ts"
import { Simulation } from "../../src/sim/index.ts"

const key = "sip:everybodys@example.test"
const maxSeconds = 60

class Scene {
  readonly simulation = new Simulation({ seed: 3, latency: 10 })
  readonly fleet: Fleet

  constructor(pathCache: object) {
    const backendOptions = { membership: { maxMembers: 1 }, k: 8, routing: "iterative", pathCache }
    this.fleet = new Fleet({ simulation: this.simulation, backend }, { backendOptions })
  }

  get servlets(): OverlayServlet[] {
    return this.fleet.serving.map(({ servlet }) => servlet as OverlayServlet)
  }

  /** The peers that hold no record of the key, those nearest to it first. */
  get others(): OverlayServlet[] {
    const id = BigInt(`0x${idOfKey(Buffer.from(key))}`)
    const distance = (servlet: OverlayServlet): bigint => BigInt(`0x${servlet.routing?.self.id ?? ""}`) ^ id
    return this.servlets.sort((a, b) => (distance(a) < distance(b) ? -1 : 1)).slice(3)
  }

  async read(servlet: OverlayServlet, consistency: Consistency): Promise<string[]> {
    const values = await this.simulation.wait(Promise.resolve(servlet.get(key, { consistency })))
    return values.map(({ value }: Value) => Buffer.from(value).toString())
  }

  get hits(): number {
    return this.simulation.metrics.count("p2psip_overlay_cached_answers_total")
  }
}

async function overlay(pathCache: object = { maxSeconds }): Promise<Scene> {
  const scene = new Scene(pathCache)
  await scene.simulation.wait(scene.fleet.form(120))
  await scene.simulation.run(5_000)
  await scene.simulation.wait(Promise.resolve(scene.servlets[0]?.put(key, "first", { ttlSeconds: 3600 })))
  return scene
}

describe("an answer on its way", () => {
  test("is kept near the key, and spares the owner", async () => {
    const scene = await overlay()
    for (let round = 0; round < 3; round++) for (const servlet of scene.others) expect(await scene.read(servlet, "any")).toEqual(["first"])
    expect(scene.hits).toBeGreaterThan(30)
  })

  test("is kept nowhere unless that was asked for", async () => {
    const scene = await overlay({})
    for (let round = 0; round < 3; round++) for (const servlet of scene.others) await scene.read(servlet, "any")
    expect(scene.hits).toBe(0)
  })

  test("is kept the shorter the farther from the key", async () => {
    const scene = await overlay()
    const [near, , , , , , , , , , , far] = scene.others
    if (near === undefined || far === undefined) throw new Error("too few peers")
    const keptFor = async (servlet: OverlayServlet): Promise<number> => {
      await scene.read(servlet, "any")
      for (let seconds = 0; ; seconds++) {
        const before = scene.hits
        await scene.read(servlet, "any")
        if (scene.hits === before || seconds > maxSeconds) return seconds
        await scene.simulation.run(1_000)
      }
    }
    const [nearSeconds, farSeconds] = [await keptFor(near), await keptFor(far)]
    expect(nearSeconds).toBeGreaterThan(5)
    expect(nearSeconds).toBeLessThanOrEqual(maxSeconds)
    expect(farSeconds).toBeLessThan(nearSeconds / 2)
  })

  test("never brings back what was changed or removed for those who ask the owner, and for nobody after its time", async () => {
    const scene = await overlay()
    const [changer] = scene.others
    if (changer === undefined) throw new Error("too few peers")
    for (const servlet of scene.others) await scene.read(servlet, "any")
    for (const [change, expected] of [
      [() => changer.put(key, "second", { valueHash: "x", ttlSeconds: 3600 }), ["first", "second"]],
      [() => changer.update(key, [{ kind: "removeAll" }]), []],
    ] as const) {
      await scene.simulation.wait(Promise.resolve(change()))
      for (const servlet of scene.servlets) {
        expect((await scene.read(servlet, "owner")).sort()).toEqual(expected)
        expect((await scene.read(servlet, "all")).sort()).toEqual(expected)
      }
      // However often the old answer is asked for and handed on, that does not keep it alive.
      for (let each = 0; each < maxSeconds; each += 5) {
        for (const servlet of scene.others.slice(0, 20)) await scene.read(servlet, "any")
        await scene.simulation.run(5_000)
      }
      await scene.simulation.run(1_000)
      for (const servlet of scene.servlets) expect((await scene.read(servlet, "any")).sort()).toEqual(expected)
    }
  })
})
