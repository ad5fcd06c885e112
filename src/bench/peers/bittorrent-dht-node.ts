/**
 * A node of `bittorrent-dht` in this process (BEP 5, and values by BEP 44).
 *
 * The key of an unsigned value is its hash, so each key here stands for a value
 * of its own that begins with it: who looks it up knows the hash without having
 * been told. Nothing is signed, which is what is cheapest for the package.
 */
import { createHash } from "node:crypto"
import { copies } from "./dht-nodes.ts"
import type { DhtNode } from "./dht-nodes.ts"

interface BittorrentDht {
  listen(port: number, host: string, done: () => void): void
  address(): { readonly port: number }
  addNode(node: { readonly host: string; readonly port: number }): void
  on(event: "ready" | "error", listener: () => void): void
  put(options: { readonly v: Buffer }, done: (error: Error | null, hash: Buffer, count: number) => void): void
  get(hash: Buffer, options: object, done: (error: Error | null, found: object | null) => void): void
}

interface BittorrentPackage {
  readonly Client: new (options: object) => BittorrentDht
}

const host = "127.0.0.1"
/** As long as those of the other tables. */
const valueBytes = 300

/** Starts one that knows these. Rejects where the package is not installed. */
export async function startBittorrentNode(neighbours: readonly string[]): Promise<DhtNode> {
  // By a name that the compiler does not follow: the package has no types.
  const name = "bittorrent-dht" as string
  const { Client } = (await import(name)) as BittorrentPackage
  // Of the neighbours one leads to the others; all of them would be asked again whenever fewer are near a key.
  const dht = new Client({ bootstrap: neighbours.slice(0, 1), k: copies, host, maxValues: 1_000_000, maxTables: 1_000_000 })
  dht.on("error", () => undefined)
  // The first is ready at once.
  const isReady = new Promise<void>((resolve) => dht.on("ready", resolve))
  await new Promise<void>((resolve) => dht.listen(0, host, resolve))
  for (const address of neighbours) dht.addNode({ host, port: Number(address.slice(address.indexOf(":") + 1)) })
  await isReady
  const table = {
    has: (key: string) => new Promise<boolean>((resolve) => dht.get(hashOf(valueOf(key)), {}, (error, found) => resolve(error === null && found !== null))),
    put: (key: string) => new Promise<void>((resolve, reject) => {
      dht.put({ v: valueOf(key) }, (error) => (error === null ? resolve() : reject(error)))
    }),
  }
  return { address: `${host}:${dht.address().port}`, table }
}

function valueOf(key: string): Buffer {
  return Buffer.from(key.padEnd(valueBytes, "."))
}

/** SHA-1 of the value as bencode writes it (BEP 44). */
function hashOf(value: Buffer): Buffer {
  return createHash("sha1").update(`${value.length}:`).update(value).digest()
}
