/** The npm package `kademlia-dht`: its nodes in one process. */
import { createRequire } from "node:module"
import { inOneProcess } from "../host-side.ts"
import { startHost } from "../hosted.ts"
import type { SideKind } from "../side.ts"

/** See the head of this file. */
export const kademliaDht: SideKind = {
  name: "kademlia-dht",
  about: "npm kademlia-dht: 20 copies (so that each of up to 20 nodes has everything, and look-ups ask nobody), over its own medium in the process; put and look-ups",
  does: ({ name }, { kind, peers }) => kind === "one-process" && peers > 1 && ["idle", "lookup", "lookup-zipf", "lookup-max", "put", "put-max"].includes(name),
  missing: () => {
    try {
      createRequire(import.meta.url).resolve("kademlia-dht/lib/dht.js")
      return undefined
    } catch {
      return "the package kademlia-dht is not installed"
    }
  },
  start: async ({ peers, entry }) => inOneProcess(await startHost("kademlia-dht", { kind: "kademlia-dht", peers, speaksTo: entry === "first" ? "first" : "all" })),
}
