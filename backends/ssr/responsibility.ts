/** The keys of a node as an arc of the ring of 160-bit identifiers. */
import type { Id } from "../../src/overlay/id.ts"
import { idBytes } from "../../src/overlay/id.ts"
import type { KeyRange } from "../../src/overlay/key-based-routing.ts"
import type { Address } from "./address.ts"
import { idOfAddress } from "./address.ts"

const largestId: Id = "f".repeat(idBytes * 2)

/** From an address on, it included, up to another, that not included. The same twice is the whole ring. */
export function keysFrom(first: Address, end: Address): KeyRange {
  return { from: before(idOfAddress(first)), to: before(idOfAddress(end)) }
}

/** The identifier before another. */
function before(id: Id): Id {
  const number = BigInt(`0x${id}`)
  return number === 0n ? largestId : (number - 1n).toString(16).padStart(idBytes * 2, "0")
}
