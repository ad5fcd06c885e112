/** The `Dht` of the npm package `kademlia-dht`: so many nodes in this process, over the medium that comes with the package. */
import { createRequire } from "node:module"
import type { HashTable } from "../table-load.ts"

type Callback<T> = (error: Error | null | undefined, result?: T) => void

interface PackageDht {
  set(key: string, value: string, done: Callback<void>): void
  get(key: string, done: Callback<string>): void
}

interface DhtClass {
  spawn(rpc: object, seeds: readonly string[], done: Callback<PackageDht>): void
}

interface MockRpcClass {
  spawn(endpoint: string, done: Callback<object>): void
}

/** Starts the nodes one after the other, each through the first three. Rejects where the package is not installed. */
export async function startDhtPackage(peers: number): Promise<HashTable[]> {
  const load = createRequire(import.meta.url)
  // The package still says `new Buffer`.
  process.noDeprecation = true
  const Dht = load("kademlia-dht/lib/dht.js") as DhtClass
  const MockRpc = load("kademlia-dht/lib/mock-rpc.js") as MockRpcClass
  const tables: HashTable[] = []
  const names = Array.from({ length: peers }, (_, at) => `peer${at}`)
  for (const [at, name] of names.entries()) {
    const rpc = await promised<object>((done) => MockRpc.spawn(name, done))
    const dht = await promised<PackageDht>((done) => Dht.spawn(rpc ?? {}, names.slice(0, Math.min(at, 3)), done))
    if (dht !== undefined) tables.push(tableOf(dht))
  }
  return tables
}

function tableOf(dht: PackageDht): HashTable {
  return {
    has: async (key) => (await promised<string>((done) => dht.get(key, done))) !== undefined,
    put: (key, value) => promised<void>((done) => dht.set(key, value, done)),
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
