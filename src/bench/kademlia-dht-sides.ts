/** The two sides that `kademlia-dht.ts` compares, each behind the same few methods and on a virtual clock. */
import { createRequire } from "node:module"
import { backend } from "../../backends/kademlia/index.ts"
import type { P2PSipServlet } from "../servlet/index.ts"
import type { SimPeer } from "../sim/index.ts"
import { Simulation, simAddress } from "../sim/index.ts"
import { SimRandom } from "../sim/sim-random.ts"

/** An overlay under test. */
export interface Store {
  readonly name: string
  /** Its virtual clock. */
  now(): number
  /** Lets virtual time pass until the promise settles. */
  run<T>(work: Promise<T>): Promise<T>
  alive(): readonly string[]
  kill(names: readonly string[]): void
  /** Frames sent so far by all peers, for whatever reason. */
  frames(): number
  set(peer: string, key: string, value: string): Promise<boolean>
  get(peer: string, key: string): Promise<string | undefined>
}

const oneWayMs = 20
const bootstrapPeers = 3

/** Our backend over the simulator's Link: frames encoded and decoded, timers, upkeep and repair running. */
export async function startOurs(name: string, peers: number, options: Readonly<Record<string, unknown>>, isJoined: boolean): Promise<Store> {
  // The dead are silent, as they are on the other side.
  const simulation = new Simulation({ seed: 3, latency: oneWayMs, network: { resetOnCrash: 0 } })
  const running = new Map<string, { readonly process: SimPeer; readonly servlet: P2PSipServlet }>()
  const seeds: string[] = []
  const names = Array.from({ length: peers }, (_, at) => `peer${at}`)
  const founders = isJoined ? undefined : { founders: names.map(simAddress) }
  for (const each of names) {
    const process = simulation.addPeer(each)
    await process.link.start()
    const { runtime, link } = process
    const servlet = backend.create({ runtime, link, ...founders }, backend.optionsSchema.parse(options))
    await simulation.wait(servlet.join(isJoined ? seeds : []))
    running.set(process.name, { process, servlet })
    if (seeds.length < bootstrapPeers) seeds.push(...process.link.self.addresses)
  }
  await simulation.run(60_000)
  let alive = [...running.keys()]
  const servletOf = (peer: string): P2PSipServlet => {
    const found = running.get(peer)
    if (found === undefined) throw new Error(`${peer} is dead`)
    return found.servlet
  }
  return {
    name,
    now: () => simulation.now,
    run: (work) => simulation.wait(work, 3_600_000),
    alive: () => alive,
    kill: (names) => {
      for (const each of names) running.get(each)?.process.crash()
      for (const each of names) running.delete(each)
      alive = [...running.keys()]
    },
    frames: () => simulation.network.framesSent,
    set: async (peer, key, value) => {
      await servletOf(peer).put(key, value)
      return true
    },
    get: async (peer, key) => {
      const [found] = await servletOf(peer).get(key)
      return found === undefined ? undefined : Buffer.from(found.value).toString()
    },
  }
}

type Callback<T> = (error: Error | null | undefined, result?: T) => void

interface Payload {
  readonly [name: string]: unknown
}

interface PackageDht {
  bootstrap(seeds: readonly string[], done: Callback<void>): void
  set(key: string, value: string, done: Callback<void>): void
  get(key: string, done: Callback<string>): void
}

type PackageDhtClass = new (rpc: object, id: object, options: object) => PackageDht

/** As in the package's own `MockRpc`. */
const timeoutMs = 500
const methods = ["ping", "store", "findNode", "findValue"] as const

/**
 * The package's `Dht` over a medium that costs next to nothing: what is sent is
 * handed over as it is, and nobody has timers but for requests.
 */
export async function startTheirs(peers: number): Promise<Store> {
  const load = createRequire(import.meta.url)
  process.noDeprecation = true
  const Dht = load("kademlia-dht/lib/dht.js") as PackageDhtClass
  const Id = load("kademlia-dht/lib/id.js") as new (bytes: Buffer) => object
  const medium = new Medium()
  const random = new SimRandom(3, "ids of kademlia-dht")
  const running = new Map<string, PackageDht>()
  const seeds: string[] = []
  for (let at = 0; at < peers; at++) {
    const name = `peer${at}`
    const options = { bucketSize: 20, concurrency: 3, expireTime: 86_400, refreshTime: 3600, replicateTime: 3600, republishTime: 86_400 }
    const dht = new Dht(medium.attach(name), new Id(Buffer.from(random.bytes(20))), options)
    await medium.run(promised<void>((done) => dht.bootstrap(seeds, done)))
    running.set(name, dht)
    if (seeds.length < bootstrapPeers) seeds.push(name)
  }
  const dhtOf = (peer: string): PackageDht => {
    const found = running.get(peer)
    if (found === undefined) throw new Error(`${peer} is dead`)
    return found
  }
  let alive = [...running.keys()]
  return {
    name: "kademlia-dht, 20 copies",
    now: () => medium.now,
    run: (work) => medium.run(work),
    alive: () => alive,
    kill: (names) => {
      for (const each of names) {
        medium.detach(each)
        running.delete(each)
      }
      alive = [...running.keys()]
    },
    frames: () => medium.frames,
    set: async (peer, key, value) => {
      await promised<void>((done) => dhtOf(peer).set(key, value, done))
      return true
    },
    get: (peer, key) => promised<string>((done) => dhtOf(peer).get(key, done)),
  }
}

function promised<T>(start: (done: Callback<T>) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error !== null && error !== undefined) reject(error)
      else resolve(result)
    })
  })
}

type Handler = (from: string, payload: Payload) => unknown

interface Event {
  readonly at: number
  readonly happen: () => void
}

/** A virtual clock and what is on its way. All frames take equally long, and so do all time-outs: two queues are enough. */
class Medium {
  now = 0
  frames = 0
  readonly #handlers = new Map<string, Map<string, Handler>>()
  readonly #deliveries = new Queue()
  readonly #timeouts = new Queue()

  attach(name: string): object {
    const handlers = new Map<string, Handler>()
    this.#handlers.set(name, handlers)
    const send = (method: string) => (to: string, payload: Payload, done: Callback<unknown>): void => this.#send(name, to, method, payload, done)
    return {
      ...Object.fromEntries(methods.map((method) => [method, send(method)])),
      receive: (method: string, handler: Handler) => void handlers.set(method, handler),
      close: () => this.detach(name),
    }
  }

  detach(name: string): void {
    this.#handlers.delete(name)
  }

  /** Lets time pass until the promise settles. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    work.then(settle, settle)
    for (;;) {
      // Whatever the package does in another tick of its own.
      await new Promise(setImmediate)
      if (isSettled) return work
      const next = Math.min(this.#deliveries.nextAt, this.#timeouts.nextAt)
      if (next === Infinity) throw new Error("nothing is under way, and yet it does not end")
      this.now = next
      this.#deliveries.happen(next)
      this.#timeouts.happen(next)
    }
  }

  #send(from: string, to: string, method: string, payload: Payload, done: Callback<unknown>): void {
    let isAnswered = false
    this.#timeouts.add({
      at: this.now + timeoutMs,
      happen: () => {
        if (!isAnswered) done(new Error("no answer"))
        isAnswered = true
      },
    })
    this.frames++
    this.#deliveries.add({
      at: this.now + oneWayMs,
      happen: () => {
        const handler = this.#handlers.get(to)?.get(method)
        if (handler === undefined) return
        const result = handler(from, payload)
        this.frames++
        this.#deliveries.add({
          at: this.now + oneWayMs,
          happen: () => {
            if (isAnswered || !this.#handlers.has(from)) return
            isAnswered = true
            done(null, result)
          },
        })
      },
    })
  }
}

/** Events in the order of their times, which is that of their coming. */
class Queue {
  #events: Event[] = []
  #first = 0

  get nextAt(): number {
    return this.#events[this.#first]?.at ?? Infinity
  }

  add(event: Event): void {
    this.#events.push(event)
  }

  /** All that is due. */
  happen(now: number): void {
    for (let event = this.#events[this.#first]; event !== undefined && event.at <= now; event = this.#events[this.#first]) {
      this.#first++
      event.happen()
    }
    if (this.#first < 10_000) return
    this.#events = this.#events.slice(this.#first)
    this.#first = 0
  }
}
