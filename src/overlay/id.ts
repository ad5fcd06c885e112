/**
 * Identifiers of the overlays: 160 bits on a ring, as 40 hexadecimal digits.
 *
 * Text of fixed length compares like the number it stands for, is a Map key,
 * never changes and reads well in a log.
 */
import { hash } from "node:crypto"
import type { PeerId } from "../link/link.ts"

/** 40 lower-case hexadecimal digits. */
export type Id = string

/** Length of an identifier. */
export const idBytes = 20

/** Places of peers: the same few thousand are named in frame after frame. */
const known = new Map<PeerId, Id>()
const maxKnown = 65_536

/**
 * The place of a peer: derived from its public key, so that nobody can choose
 * where to sit. The routers of a mesh have no key: their peer ids say where
 * (`ssr-` and 48 bits in hexadecimal, zeros follow); no Link that authenticates
 * its peers by their keys ever names such a one.
 */
export function idOfPeer(peerId: PeerId): Id {
  const id = known.get(peerId)
  if (id !== undefined) return id
  const isPlace = /^ssr-[0-9a-f]{12}$/.test(peerId)
  const computed = isPlace ? peerId.slice("ssr-".length).padEnd(idBytes * 2, "0") : digest(`p2psip peer ${peerId}`)
  if (known.size === maxKnown) known.clear()
  known.set(peerId, computed)
  return computed
}

/** The place of a key. */
export function idOfKey(key: Uint8Array): Id {
  return digest(key)
}

/** True for exactly 40 lower-case hexadecimal digits. */
export function isId(text: string): text is Id {
  return /^[0-9a-f]{40}$/.test(text)
}

/** Whether `id` lies in (from, to) clockwise; the whole ring but `from` where from = to. */
export function isBetween(from: Id, id: Id, to: Id): boolean {
  return from < to ? from < id && id < to : from < id || id < to
}

/** Whether `id` lies in (from, to] clockwise; everything where from = to. */
export function isBetweenOrAt(from: Id, id: Id, to: Id): boolean {
  return from < to ? from < id && id <= to : from < id || id <= to
}

function digest(data: Uint8Array | string): Id {
  // Hexadecimal from the start, cut afterwards, would keep what is cut off in memory with every key.
  return Buffer.from(hash("sha256", data, "binary"), "latin1").toString("hex", 0, idBytes)
}
