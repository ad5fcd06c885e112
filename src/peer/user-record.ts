/**
 * A user in the overlay: what the digest is verified with, never a password.
 *
 * | field | form |
 * |---|---|
 * | version | one byte, 1 |
 * | realm | byte string, UTF-8 |
 * | verifiers | a count, then for each: algorithm (one byte, its place in the list below), H(username:realm:password) as byte string |
 *
 * User and realm are the salt that RFC 7616 allows. Whoever can read the
 * record can register as that user, and nothing else.
 */
import { badFrame, ByteReader, ByteWriter } from "../codec.ts"
import { P2PSipError } from "../errors.ts"
import { digestAlgorithms, hashA1 } from "../security/digest.ts"
import type { DigestAlgorithm } from "../security/digest.ts"
import type { Verifiers } from "../security/users.ts"

/** What a record says. */
export interface UserRecord {
  readonly realm: string
  readonly verifiers: Verifiers
}

const version = 1
const maxRealmBytes = 256
const maxHashBytes = 64
/** On the wire for ever: new algorithms at the end. */
const wireAlgorithms: readonly DigestAlgorithm[] = ["SHA-512-256", "SHA-256", "MD5"]

/** The one value of a user's key. */
export const userValueHash: Uint8Array = Buffer.from("user")

/** The key of a user, as `get` and `lookup` take it: `p2psip:user:alice@example.org`. */
export function userKey(username: string, domain: string): string {
  return `p2psip:user:${username}@${domain.toLowerCase()}`
}

/** `alice@example.org` in two parts. Throws `P2PSIP_BAD_ARGUMENT`. */
export function parseUserName(text: string): { readonly username: string; readonly domain: string } {
  const at = text.lastIndexOf("@")
  if (at > 0 && at < text.length - 1 && !text.includes(":")) return { username: text.slice(0, at), domain: text.slice(at + 1).toLowerCase() }
  throw new P2PSipError("P2PSIP_BAD_ARGUMENT", `user: expected NAME@DOMAIN without a colon, found ${JSON.stringify(text)}`)
}

/** The record of a user with that password, for every algorithm. */
export function makeUserRecord(username: string, realm: string, password: string): Uint8Array {
  const writer = new ByteWriter(256)
  writer.uint8(version).bytes(Buffer.from(realm)).varint(digestAlgorithms.length)
  for (const algorithm of digestAlgorithms) {
    writer.uint8(wireAlgorithms.indexOf(algorithm)).bytes(Buffer.from(hashA1(algorithm, username, realm, password), "hex"))
  }
  return writer.finish()
}

/** Throws `P2PSIP_BAD_FRAME`: the bytes come from another peer. */
export function readUserRecord(bytes: Uint8Array): UserRecord {
  const reader = new ByteReader(bytes)
  const found = reader.uint8()
  if (found !== version) throw badFrame(`a user of version ${version}`, `version ${found}`)
  const realm = Buffer.from(reader.bytes(maxRealmBytes)).toString()
  const verifiers: Partial<Record<DigestAlgorithm, string>> = {}
  for (let left = reader.count(16); left > 0; left--) {
    const algorithm = wireAlgorithms[reader.uint8()]
    const verifier = Buffer.from(reader.bytes(maxHashBytes)).toString("hex")
    // One that only a later version knows.
    if (algorithm !== undefined) verifiers[algorithm] = verifier
  }
  reader.end()
  return { realm, verifiers }
}
