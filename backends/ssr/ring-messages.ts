/** What nodes tell each other to find their places on the ring: bodies of packets. See PROTOCOL.md. */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import { readRoute, writeRoute } from "./packet.ts"
import type { Route } from "./route.ts"

/** The two directions on the ring. */
export type Side = "left" | "right"

/**
 * "You are my neighbours on these sides"; "this one suits you better", with the way from the receiver to it; or "I am going".
 */
export type RingUpdate = { readonly kind: "agreed"; readonly sides: readonly Side[] } | { readonly kind: "candidate"; readonly route: Route } | { readonly kind: "farewell" }

const kinds = { agreed: 0, candidate: 1, farewell: 2 } as const
const shortestRoute = 2
const bits = { left: 1, right: 2 } as const
const sides = ["left", "right"] as const

export function encodeUpdate(update: RingUpdate): Uint8Array {
  const writer = new ByteWriter(64).uint8(kinds[update.kind])
  if (update.kind === "candidate") writeRoute(writer, update.route)
  if (update.kind === "agreed") writer.uint8(bitsOf(update.sides))
  return writer.finish()
}

/** What a notification carries: on which sides its sender would have the receiver. */
export function encodeSides(sides: readonly Side[]): Uint8Array {
  return Uint8Array.of(bitsOf(sides))
}

/** Reads what `encodeSides` wrote. Throws `P2PSIP_BAD_FRAME`. */
export function decodeSides(reader: ByteReader): readonly Side[] {
  const found = reader.uint8()
  reader.end()
  if (found > (bits.left | bits.right)) throw badFrame("sides", `${found}`)
  return sides.filter((side) => (found & bits[side]) !== 0)
}

function bitsOf(chosen: readonly Side[]): number {
  return chosen.reduce((sum, side) => sum | bits[side], 0)
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodeUpdate(reader: ByteReader): RingUpdate {
  const kind = reader.uint8()
  if (kind === kinds.agreed) return { kind: "agreed", sides: decodeSides(reader) }
  if (kind === kinds.farewell) {
    reader.end()
    return { kind: "farewell" }
  }
  if (kind !== kinds.candidate) throw badFrame("a kind of update", `${kind}`)
  const route = readRoute(reader)
  reader.end()
  if (route.length < shortestRoute) throw badFrame("a way to a candidate", "none")
  return { kind: "candidate", route }
}
