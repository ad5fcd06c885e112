/** What the servlet of every backend on key-based routing is built from, and what its users may choose. */
import type { Link, PeerAddress } from "../link/link.ts"
import type { OpenJournal } from "../runtime/journal.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { ServletOptions } from "../servlet/index.ts"
import type { ForwarderOptions } from "./forwarder.ts"
import type { ClockOptions } from "./hlc.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import type { PathCacheOptions } from "./path-cache.ts"
import type { ReplicationOptions } from "./replication.ts"
import type { Rpc } from "./rpc.ts"
import type { RpcOptions } from "./rpc-options.ts"
import type { RoutingMode } from "./search.ts"
import type { StorageOptions } from "./storage.ts"
import type { StraysOptions } from "./strays.ts"
import type { SynchroniserOptions } from "./synchroniser.ts"

/** Common to all backends that are built on key-based routing. */
export interface OverlayOptions extends ServletOptions, ReplicationOptions, SynchroniserOptions, StraysOptions, ClockOptions, StorageOptions {
  /** How long leaving may take. @default 8000 */
  readonly leaveTimeoutMs?: number | undefined
  /** Whether peers pass an operation on to its owner, or the asker carries it there. @default "recursive" */
  readonly routing?: RoutingMode | undefined
  readonly forwarding?: ForwarderOptions | undefined
  /** Whether answers are kept on their way, for gets that may be a moment old. */
  readonly pathCache?: PathCacheOptions | undefined
  readonly rpc?: RpcOptions | undefined
}

/** What an {@link OverlayServlet} is built from. */
export interface OverlayComponents {
  readonly runtime: Runtime
  /** Started by its owner before `join`. */
  readonly link: Link
  /** The peers that start an overlay together, this one among them. */
  readonly founders?: readonly PeerAddress[]
  /** Where records may be kept across restarts. */
  readonly dataFolder?: string | undefined
  /** Where records are kept instead of a file there. */
  readonly openJournal?: OpenJournal | undefined
}

/** What a backend's routing is built from; a fresh one for each attempt to join. */
export interface RoutingContext {
  readonly runtime: Runtime
  readonly link: Link
  readonly rpc: Rpc
  readonly self: Member
  /** The peers that start an overlay together, for a join without bootstrap peers. */
  readonly founders?: readonly PeerAddress[]
}

/** Makes the key-based routing of a backend. */
export type RoutingFactory = (context: RoutingContext) => KeyBasedRouting
