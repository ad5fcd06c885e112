/** What a bench and the processes with its peers say to each other, by Node's own channel between parent and child. */
import type { PeerConfigInput } from "../peer/config.ts"
import type { Outcome } from "./open-loop.ts"
import type { Cost, TableLoad } from "./side.ts"
import type { Portion } from "./table-load.ts"

/** What a process is to be: one peer as anybody would run it, or a whole overlay without a network. */
export type HostPlan =
  | { readonly kind: "peer"; readonly config: PeerConfigInput }
  | { readonly kind: "overlay"; readonly backend: string; readonly peers: number; readonly speaksTo: "all" | "first" }
  | { readonly kind: "sip-package"; readonly port: number }
  | { readonly kind: "kad-dht" | "bittorrent-dht"; readonly neighbours: readonly string[] }
  | { readonly kind: "kademlia-dht"; readonly peers: number; readonly speaksTo: "all" | "first" }

/** From the bench. */
export type Ask =
  | { readonly ask: "start"; readonly plan: HostPlan }
  | { readonly ask: "fill"; readonly portion: Portion }
  | { readonly ask: "load"; readonly load: TableLoad }
  | { readonly ask: "cost" }
  | { readonly ask: "end" }

/** What a started process tells of itself. */
export interface Hosted {
  /** Where other peers connect. */
  readonly listen: readonly string[]
  /** UDP ports for phones. */
  readonly sipPorts: readonly number[]
}

/** To the bench: one answer to each question, in turn. */
export type Answer = { readonly hosted: Hosted } | { readonly outcome: Outcome } | { readonly cost: Cost } | { readonly ended: true } | { readonly failed: string }
