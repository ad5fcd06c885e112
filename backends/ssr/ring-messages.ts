/** What nodes tell each other to find their places on the ring: bodies of packets. See PROTOCOL.md. */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import { readRoute, writeRoute } from "./packet.ts"
import type { Route } from "./route.ts"

/** "We are neighbours"; "this one suits you better", with the way from the receiver to it; or "I am going". */
export type RingUpdate = { readonly kind: "agreed" } | { readonly kind: "candidate"; readonly route: Route } | { readonly kind: "farewell" }

const kinds = { agreed: 0, candidate: 1, farewell: 2 } as const
const shortestRoute = 2

export function encodeUpdate(update: RingUpdate): Uint8Array {
  const writer = new ByteWriter(64).uint8(kinds[update.kind])
  if (update.kind === "candidate") writeRoute(writer, update.route)
  return writer.finish()
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodeUpdate(reader: ByteReader): RingUpdate {
  const kind = reader.uint8()
  if (kind === kinds.agreed || kind === kinds.farewell) {
    reader.end()
    return { kind: kind === kinds.agreed ? "agreed" : "farewell" }
  }
  if (kind !== kinds.candidate) throw badFrame("a kind of update", `${kind}`)
  const route = readRoute(reader)
  reader.end()
  if (route.length < shortestRoute) throw badFrame("a way to a candidate", "none")
  return { kind: "candidate", route }
}
