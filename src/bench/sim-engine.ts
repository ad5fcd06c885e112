/**
 * Events per second of the simulator's engine alone: peers that pass frames on
 * to random others, each with a time-out that is set and cancelled as an RPC's
 * would be.
 *
 *     node src/bench/sim-engine.ts [peers] [virtual seconds]
 */
import { channels } from "../link/link.ts"
import { Simulation, simAddress } from "../sim/index.ts"

const peerCount = Number(process.argv[2] ?? 10_000)
const virtualSeconds = Number(process.argv[3] ?? 10)
const frameBytes = 100
const frameEveryMs = 50

const simulation = new Simulation({ seed: "engine", network: { jitter: 0.5, requireAddresses: false } })
const names = Array.from({ length: peerCount }, (_, index) => `peer${index}`)
for (const name of names) {
  const { link, runtime } = simulation.addPeer(name)
  let timeout = runtime.setTimer(1000, () => undefined)
  link.onFrame(channels.overlay, (from, frame) => {
    if (frame[0] === 1) link.send(from, channels.overlay, Buffer.allocUnsafe(frameBytes).fill(0))
    else timeout.cancel()
  })
  // Each peer talks to a few fixed others, as peers of an overlay do.
  const friends = runtime.random.sample(names.slice(0, 1000), 8)
  for (const friend of friends) link.learn(simAddress(friend))
  const ask = async (): Promise<void> => {
    await Promise.resolve()
    const frame = Buffer.allocUnsafe(frameBytes).fill(0)
    frame[0] = 1
    link.send(runtime.random.pick(friends) ?? name, channels.overlay, frame)
    timeout.cancel()
    timeout = runtime.setTimer(1000, () => undefined)
    runtime.setTimer(frameEveryMs * 2 * runtime.random.float(), () => void ask())
  }
  await link.start()
  runtime.setTimer(frameEveryMs * runtime.random.float(), () => void ask())
}
global.gc?.()
const megabytes = process.memoryUsage().rss / 2 ** 20
await simulation.run(1000)
const before = simulation.events
const start = performance.now()
const cpu = process.cpuUsage()
await simulation.run(virtualSeconds * 1000)
const seconds = (performance.now() - start) / 1000
const { user } = process.cpuUsage(cpu)
const events = simulation.events - before
console.log(
  JSON.stringify({
    peers: peerCount,
    events,
    eventsPerSecond: Math.round(events / seconds),
    // On a machine that others use, too.
    eventsPerCpuSecond: Math.round((events * 1e6) / user),
    virtualPerRealSecond: Number((virtualSeconds / seconds).toFixed(2)),
    rssAtStartMb: Math.round(megabytes),
    eventHash: simulation.eventHash,
    node: process.version,
  }),
)
