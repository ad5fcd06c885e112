/** The procedures by which nodes find their places on the ring, by name. */
import { Isprp } from "./isprp.ts"
import { Linearization } from "./linearization.ts"
import type { SsrSettings } from "./options.ts"
import type { Ring, RingPort } from "./ring.ts"
import type { RouteCache } from "./route-cache.ts"

/** A procedure at its beginning: nobody has agreed to anything. */
export function newRing(name: SsrSettings["ring"], cache: RouteCache, port: RingPort): Ring {
  return name === "isprp" ? new Isprp(cache, port) : new Linearization(cache, port)
}
