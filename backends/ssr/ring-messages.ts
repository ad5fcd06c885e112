/** What nodes tell each other to find their places on the ring: bodies of packets. See PROTOCOL.md. */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import type { Address } from "./address.ts"
import { readAddress, readRoute, writeAddress, writeRoute } from "./packet.ts"
import type { Route } from "./route.ts"

/** The two directions on the ring. */
export type Side = "left" | "right"

/** What one node says of its place beside another. */
export interface Claim {
  /** On these it has, or would have, the other for its neighbour. */
  readonly sides: readonly Side[]
  /** It answers for keys. */
  readonly serves: boolean
  /** It has drawn back to the other's address, which may take what lies between that and this; see `tenure.ts`. */
  readonly given?: Address
}

/**
 * "You are my neighbour"; "this one suits you better", with the way from the receiver to it; or "I am going".
 */
export type RingUpdate = { readonly kind: "agreed"; readonly claim: Claim } | { readonly kind: "candidate"; readonly route: Route } | { readonly kind: "farewell" }

const kinds = { agreed: 0, candidate: 1, farewell: 2 } as const
const shortestRoute = 2
const bits = { left: 1, right: 2 } as const
const servesBit = 4
const givenBit = 8
const sides = ["left", "right"] as const

export function encodeUpdate(update: RingUpdate): Uint8Array {
  const writer = new ByteWriter(64).uint8(kinds[update.kind])
  if (update.kind === "candidate") writeRoute(writer, update.route)
  if (update.kind === "agreed") writeClaim(writer, update.claim)
  return writer.finish()
}

/** What a notification carries. */
export function encodeClaim(claim: Claim): Uint8Array {
  return writeClaim(new ByteWriter(8), claim).finish()
}

/** Reads what `encodeClaim` wrote. Throws `P2PSIP_BAD_FRAME`. */
export function decodeClaim(reader: ByteReader): Claim {
  const found = reader.uint8()
  if (found > (bits.left | bits.right | servesBit | givenBit)) throw badFrame("sides", `${found}`)
  const given = (found & givenBit) !== 0 ? { given: readAddress(reader) } : {}
  reader.end()
  return { sides: sides.filter((side) => (found & bits[side]) !== 0), serves: (found & servesBit) !== 0, ...given }
}

function writeClaim(writer: ByteWriter, { sides, serves, given }: Claim): ByteWriter {
  writer.uint8(sides.reduce((sum, side) => sum | bits[side], (serves ? servesBit : 0) | (given === undefined ? 0 : givenBit)))
  if (given !== undefined) writeAddress(writer, given)
  return writer
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodeUpdate(reader: ByteReader): RingUpdate {
  const kind = reader.uint8()
  if (kind === kinds.agreed) return { kind: "agreed", claim: decodeClaim(reader) }
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
