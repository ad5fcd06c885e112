/**
 * The Kademlia backend against the `Dht` of the npm package `kademlia-dht`, in
 * one process and one run: messages and CPU time per set and get, and what is
 * found after sudden deaths.
 *
 *     node src/bench/kademlia-dht.ts [--peers 1000] [--sets 2000] [--gets 1500] [--copies 5,…] [--joined]
 *
 * The package's nodes join one by one through three of them; ours start
 * together, or with `--joined` join in the same way, which takes minutes. The
 * package calls a set done when all 20 nodes have answered or timed out; ours
 * are done when the owner and one more replica have confirmed.
 */
import { parseArgs } from "node:util"
import v8 from "node:v8"
import vm from "node:vm"
import type { Store } from "./kademlia-dht-sides.ts"
import { startOurs, startTheirs } from "./kademlia-dht-sides.ts"
import { SimRandom } from "../sim/sim-random.ts"

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: "1000" }, sets: { type: "string", default: "2000" }, gets: { type: "string", default: "1500" },
    copies: { type: "string", default: "5" }, joined: { type: "boolean", default: false },
  },
})
const [peers, sets, gets] = [values.peers, values.sets, values.gets].map(Number) as [number, number, number]
/** Operations under way at once. */
const width = 200
const warmUps = 2000
const valueOf = (key: number): string => `value of ${key} `.padEnd(100, ".")

v8.setFlagsFromString("--expose-gc")
const collectGarbage = vm.runInNewContext("gc") as () => void

type Start = (peers: number) => Promise<Store>

interface Cost {
  readonly done: number
  readonly frames: number
  readonly cpuMicroseconds: number
  readonly meanMs: number
}

/** Runs `count` operations, `width` at once; each tells whether it did what it should. */
async function measure(store: Store, count: number, operate: (at: number, random: SimRandom) => Promise<boolean>): Promise<Cost> {
  const random = new SimRandom(7, `operations of ${store.name}`)
  let [next, done, waitedMs] = [0, 0, 0]
  // What has been left over before is not this measurement's to collect.
  collectGarbage()
  const framesBefore = store.frames()
  const cpuBefore = process.cpuUsage()
  const work = async (): Promise<void> => {
    while (next < count) {
      const beganAt = store.now()
      const isRight = await operate(next++, random).catch(() => false)
      if (isRight) done++
      waitedMs += store.now() - beganAt
    }
  }
  await store.run(Promise.all(Array.from({ length: Math.min(width, count) }, work)))
  const { user, system } = process.cpuUsage(cpuBefore)
  return { done, frames: store.frames() - framesBefore, cpuMicroseconds: user + system, meanMs: waitedMs / count }
}

/** In a small overlay of its own: nothing is measured while it is being compiled. */
async function warmUp(start: Start): Promise<void> {
  const store = await start(Math.min(peers, 100))
  await measure(store, warmUps, (at, random) => store.set(random.pick(store.alive()) ?? "", `key ${at}`, valueOf(at)))
  await measure(store, warmUps, async (at, random) => (await store.get(random.pick(store.alive()) ?? "", `key ${at}`)) === valueOf(at))
}

async function compare(start: Start): Promise<Record<string, string | number>> {
  await warmUp(start)
  const beganAt = process.cpuUsage()
  const store = await start(peers)
  const { user, system } = process.cpuUsage(beganAt)
  const set = await measure(store, sets, (at, random) => store.set(random.pick(store.alive()) ?? "", `key ${at}`, valueOf(at)))
  const read = (count: number): Promise<Cost> => measure(store, count, async (_at, random) => {
    const key = random.uint32() % sets
    return (await store.get(random.pick(store.alive()) ?? "", `key ${key}`)) === valueOf(key)
  })
  const get = await read(gets)
  store.kill(store.alive().slice(0, 1))
  const afterOne = await read(gets)
  const random = new SimRandom(11, "who dies")
  const killUpTo = (share: number): void => {
    const victims = Math.round(share * peers) - (peers - store.alive().length)
    store.kill(random.sample(store.alive(), victims))
  }
  killUpTo(0.3)
  const after30 = await read(gets)
  killUpTo(0.5)
  const after50 = await read(gets)
  const found = ({ done, meanMs }: Cost): string => `${((100 * done) / gets).toFixed(2)} % in ${Math.round(meanMs)} ms`
  return {
    side: store.name,
    "CPU s to start": Math.round((user + system) / 1e6),
    "sets confirmed": `${set.done}/${sets}`,
    "frames per set": Number((set.frames / sets).toFixed(1)),
    "CPU µs per set": Math.round(set.cpuMicroseconds / sets),
    "frames per get": Number((get.frames / gets).toFixed(1)),
    "CPU µs per get": Math.round(get.cpuMicroseconds / gets),
    "gets right": found(get),
    "bootstrap node dead": found(afterOne),
    "30 % dead": found(after30),
    "50 % dead": found(after50),
  }
}

const ours = values.copies.split(",").map(Number)
const sides: readonly Start[] = [
  startTheirs,
  ...ours.map((replication): Start => (peers) => startOurs(`p2psip, ${replication} copies`, peers, { replication }, values.joined)),
]
const columns: Record<string, string | number>[] = []
for (const side of sides) columns.push(await compare(side))
// A table is read more easily downwards.
const [first = {}] = columns
const names = Object.keys(first).filter((name) => name !== "side")
console.table(Object.fromEntries(names.map((name) => [name, Object.fromEntries(columns.map((column) => [column["side"], column[name]]))])))
