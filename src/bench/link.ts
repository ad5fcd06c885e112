/**
 * What the Links can do: `node src/bench/link.ts [--bytes 200] [--messages 200000]`.
 *
 * Both peers live in this process, so each figure holds the work of both ends.
 */
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import { createLibp2pLink } from "../link/libp2p.ts"
import { channels, type Link } from "../link/link.ts"
import { MemoryLink, MemoryNetwork } from "../link/memory.ts"
import { silentLogger } from "../runtime/log.ts"
import { NodeRuntime } from "../runtime/node.ts"

const { values } = parseArgs({ options: { bytes: { type: "string", default: "200" }, messages: { type: "string", default: "200000" } } })
const frameBytes = Number(values.bytes)
const messages = Number(values.messages)
const roundTrips = 3_000

interface Figures {
  readonly perSecond: number
  readonly cpuMicroseconds: number
}

/** Keeps `inFlight` requests under way until `count` have been answered; a message is a request or its answer. */
async function echo(a: Link, b: Link, count: number, inFlight: number): Promise<Figures> {
  const frame = Buffer.alloc(frameBytes, 1)
  b.onFrame(channels.overlay, (from, frame) => b.send(from, channels.overlay, frame))
  let sent = 0
  let answered = 0
  const cpu = process.cpuUsage()
  const start = performance.now()
  await new Promise<void>((resolve) => {
    const ask = (): void => {
      if (sent < count && a.send(b.self.peerId, channels.overlay, frame)) sent += 1
    }
    a.onFrame(channels.overlay, () => {
      answered += 1
      if (answered === count) resolve()
      else ask()
    })
    for (let i = 0; i < inFlight; i++) ask()
  })
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (2 * count) / ((performance.now() - start) / 1000), cpuMicroseconds: (user + system) / (2 * count) }
}

async function report(name: string, a: Link, b: Link): Promise<void> {
  await Promise.all([a.start(), b.start()])
  a.learn(b.self)
  await echo(a, b, 1_000, 10)
  const one = await echo(a, b, roundTrips, 1)
  console.log(`${name}: one request at a time: ${(2e6 / one.perSecond).toFixed(0)} µs per round trip`)
  for (const inFlight of [10, 100, 1000]) {
    const { perSecond, cpuMicroseconds } = await echo(a, b, messages / 2, inFlight)
    console.log(`${name}: ${inFlight} under way: ${Math.round(perSecond)} messages/s, ${cpuMicroseconds.toFixed(1)} µs CPU per message`)
  }
  await Promise.all([a.stop(), b.stop()])
}

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? "?"}, frames of ${frameBytes} bytes, both ends in one process`)
const runtime = new NodeRuntime({}, { log: silentLogger })
const network = new MemoryNetwork()
await report("memory", new MemoryLink({ runtime, network }), new MemoryLink({ runtime, network }))
await report("libp2p", await createLibp2pLink({ runtime }), await createLibp2pLink({ runtime: new NodeRuntime({}, { log: silentLogger }) }))
