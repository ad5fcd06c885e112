/** One hostile peer among honest ones, for each backend, in the simulator: what it sends and answers harms only itself. */
import { describe, expect, test } from "vitest"
import { loadBackend } from "../../backends/index.ts"
import type { Link } from "../../src/link/link.ts"
import { channels } from "../../src/link/link.ts"
import { memberOf } from "../../src/overlay/member-codec.ts"
import { encodeReply, frameKinds } from "../../src/overlay/rpc-frame.ts"
import type { P2PSipServlet } from "../../src/servlet/index.ts"
import type { SimPeer } from "../../src/sim/index.ts"
import { Simulation } from "../../src/sim/index.ts"
import type { HostileBackend } from "./backend-frames.ts"
import { hostileFrames } from "./overlay-frames.ts"

const effort = Number(process.env["FUZZ_EFFORT"] ?? 1)
const backends: readonly HostileBackend[] = ["chord", "kademlia", "bamboo"]
const honest = 6
const keys = Array.from({ length: 40 }, (_, at) => `sip:user${at}@example.test`)

interface Honest {
  readonly process: SimPeer
  readonly servlet: P2PSipServlet
}

async function startOverlay(simulation: Simulation, name: HostileBackend): Promise<Honest[]> {
  const backend = await loadBackend(name)
  const peers: Honest[] = []
  for (let at = 0; at < honest; at++) {
    const process = simulation.addPeer(`honest${at}`)
    await process.link.start()
    const servlet = backend.create(process, {})
    await simulation.wait(servlet.join(peers.slice(0, 1).flatMap((peer) => peer.process.link.self.addresses)), 60_000)
    peers.push({ process, servlet })
  }
  return peers
}

/** Answers whatever it is asked, with the hostile bodies in turn. */
function answerBadly(link: Link, bodies: readonly Uint8Array[]): void {
  let came = 0
  link.onFrame(channels.overlay, (from, frame) => {
    const body = bodies[came++ % bodies.length]
    if (frame[0] !== frameKinds.request || body === undefined || frame.length < 6) return
    link.send(from, channels.overlay, encodeReply(Buffer.from(frame).readUInt32BE(1), body))
  })
}

describe.each(backends)("a hostile peer among %s peers", (backend) => {
  test.each([1, 2, 3])("brings no defect about, is counted, and once it is gone everything is as before (seed %i)", async (seed) => {
    const simulation = new Simulation({ seed, latency: 5 })
    const peers = await startOverlay(simulation, backend)
    const [first] = peers as [Honest]
    for (const key of keys) await simulation.wait(first.servlet.put(key, `of ${key}`, { ttlSeconds: 3600 }))

    const attacker = simulation.addPeer("attacker")
    await attacker.link.start()
    const self = memberOf(attacker.link.self)
    const bodies = hostileFrames(self, "honest0", { seed: seed + 100, count: 200, backend }).map(({ frame }) => frame.subarray(6))
    answerBadly(attacker.link, bodies)
    for (const { process } of peers) {
      const { self: victim } = process.link
      await simulation.wait(attacker.link.resolve(victim.addresses[0] ?? ""))
      for (const [at, { channel, frame }] of hostileFrames(self, victim.peerId, { seed, count: 400 * effort, backend }).entries()) {
        attacker.link.send(victim.peerId, channel, frame)
        // In floods of fifty.
        if (at % 50 === 49) await simulation.run(100)
      }
    }
    await simulation.run(10_000)
    const { metrics } = simulation
    expect(metrics.count('p2psip_rpc_dropped_frames_total{reason="malformed"}')).toBeGreaterThan(50)
    expect(metrics.count('p2psip_rpc_dropped_frames_total{reason="unknown method"}')).toBeGreaterThan(10)
    expect(simulation.log.filter(({ level }) => level === "error")).toEqual([])

    attacker.crash()
    await simulation.run(120_000)
    for (const { servlet } of peers) {
      // Nobody of all those that were named: they never answered.
      expect(servlet.status().peersKnown).toBe(honest - 1)
      for (const key of keys) {
        const values = await simulation.wait(servlet.get(key))
        expect(values.map(({ value }) => Buffer.from(value).toString())).toEqual([`of ${key}`])
      }
    }
  })
})
