/** What nodes tell each other to find their places on the ring: bodies of packets. See PROTOCOL.md. */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import { readRoute, writeRoute } from "./packet.ts"
import type { Route } from "./route.ts"

/** "We are neighbours"; or "this one suits you better", with the way from the receiver to it. */
export type RingUpdate = { readonly kind: "agreed" } | { readonly kind: "candidate"; readonly route: Route }

const kinds = { agreed: 0, candidate: 1 } as const
const shortestRoute = 2

export function encodeUpdate(update: RingUpdate): Uint8Array {
  const writer = new ByteWriter(64).uint8(kinds[update.kind])
  if (update.kind === "candidate") writeRoute(writer, update.route)
  return writer.finish()
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodeUpdate(reader: ByteReader): RingUpdate {
  const kind = reader.uint8()
  if (kind === kinds.agreed) {
    reader.end()
    return { kind: "agreed" }
  }
  if (kind !== kinds.candidate) throw badFrame("a kind of update", `${kind}`)
  const route = readRoute(reader)
  reader.end()
  if (route.length < shortestRoute) throw badFrame("a way to a candidate", "none")
  return { kind: "candidate", route }
}
