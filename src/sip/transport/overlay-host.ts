/**
 * The host names of peers in SIP: `<label>.p2psip.invalid` (RFC 6761 §6.4
 * keeps `.invalid` out of the DNS).
 *
 * A libp2p peer id is written as its CID in base 36, `k…`, which libp2p
 * defines for just this purpose: host names know no upper case. Any other peer
 * id (of a Link inside one process) is the base 32 of its UTF-8 bytes, `b…`.
 * Both first letters are the multibase prefixes. What is longer than a label
 * may be is cut into several.
 */
import { badArgument } from "../../errors.ts"
import type { PeerId } from "../../link/link.ts"

const suffix = ".p2psip.invalid"
const maxLabelCharacters = 63
const maxHostCharacters = 253
/** Longer ones do not fit into a host name. */
export const maxPeerIdBytes = 146

const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
const base36Alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
const base32Alphabet = "abcdefghijklmnopqrstuvwxyz234567"

/** CID version 1, codec libp2p-key; the multihash follows. */
const cidPrefix = [0x01, 0x72]
/** Multihash heads that peer ids have: the key itself (up to 42 bytes), or its SHA-256. */
const identityHash = 0x00
const sha256Hash = 0x12
const maxIdentityBytes = 42

/** The overlay host name of a peer. Throws `P2PSIP_BAD_ARGUMENT` unless the peer id is 1 to `maxPeerIdBytes` bytes of well-formed text. */
export function hostOfPeer(peerId: PeerId): string {
  if (!isPeerId(peerId)) badArgument("peerId", `1 to ${maxPeerIdBytes} bytes of well-formed text`, peerId)
  const multihash = multihashOf(peerId)
  const text =
    multihash === undefined ? `b${encodeBase32(Buffer.from(peerId))}` : `k${encodeNumber([...cidPrefix, ...multihash], base36Alphabet)}`
  const labels: string[] = []
  for (let at = 0; at < text.length; at += maxLabelCharacters) labels.push(text.slice(at, at + maxLabelCharacters))
  return labels.join(".") + suffix
}

/** The peer whose overlay host name this is; undefined for every other text. */
export function peerOfHost(host: string): PeerId | undefined {
  if (host.length > maxHostCharacters) return undefined
  const lower = host.toLowerCase()
  if (!lower.endsWith(suffix)) return undefined
  const text = lower.slice(0, -suffix.length).replaceAll(".", "")
  const peerId = text.startsWith("k") ? peerOfCid(text.slice(1)) : text.startsWith("b") ? peerOfBase32(text.slice(1)) : undefined
  // One name for one peer: any other spelling of it is not a name.
  return peerId !== undefined && isPeerId(peerId) && hostOfPeer(peerId) === lower ? peerId : undefined
}

/** True for a host below `.p2psip.invalid`, whether or not it names a peer. */
export function isOverlayHost(host: string): boolean {
  return host.toLowerCase().endsWith(suffix)
}

function isPeerId(text: string): boolean {
  return text !== "" && text.isWellFormed() && Buffer.byteLength(text) <= maxPeerIdBytes
}

function multihashOf(peerId: PeerId): readonly number[] | undefined {
  if (peerId.length > 64) return undefined
  const bytes = decodeNumber(peerId, base58Alphabet)
  return bytes !== undefined && isPeerMultihash(bytes) ? bytes : undefined
}

function isPeerMultihash(bytes: readonly number[]): boolean {
  const [code, length] = bytes
  if (length !== bytes.length - 2) return false
  return code === sha256Hash ? length === 32 : code === identityHash && length > 0 && length <= maxIdentityBytes
}

function peerOfCid(text: string): PeerId | undefined {
  const bytes = decodeNumber(text, base36Alphabet)
  if (bytes === undefined || bytes[0] !== cidPrefix[0] || bytes[1] !== cidPrefix[1]) return undefined
  const multihash = bytes.slice(cidPrefix.length)
  return isPeerMultihash(multihash) ? encodeNumber(multihash, base58Alphabet) : undefined
}

function peerOfBase32(text: string): PeerId | undefined {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const character of text) {
    const digit = base32Alphabet.indexOf(character)
    if (digit < 0) return undefined
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((value >> bits) & 0xff)
    }
  }
  return Buffer.from(bytes).toString("utf8")
}

function encodeBase32(bytes: Uint8Array): string {
  let text = ""
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += base32Alphabet.charAt((value >> bits) & 31)
    }
  }
  return bits === 0 ? text : text + base32Alphabet.charAt((value << (5 - bits)) & 31)
}

/** The bytes as one number in the alphabet's base; each leading zero byte is the alphabet's first letter. */
function encodeNumber(bytes: readonly number[], alphabet: string): string {
  const base = alphabet.length
  const digits: number[] = []
  for (const byte of bytes) {
    let carry = byte
    for (let i = 0; i < digits.length; i++) {
      carry += (digits[i] ?? 0) * 256
      digits[i] = carry % base
      carry = Math.floor(carry / base)
    }
    for (; carry > 0; carry = Math.floor(carry / base)) digits.push(carry % base)
  }
  const zeros = bytes.findIndex((byte) => byte !== 0)
  let text = alphabet.charAt(0).repeat(zeros < 0 ? bytes.length : zeros)
  for (let i = digits.length - 1; i >= 0; i--) text += alphabet.charAt(digits[i] ?? 0)
  return text
}

function decodeNumber(text: string, alphabet: string): number[] | undefined {
  const base = alphabet.length
  const bytes: number[] = []
  let zeros = 0
  let leading = true
  for (const character of text) {
    let carry = alphabet.indexOf(character)
    if (carry < 0) return undefined
    leading &&= carry === 0
    if (leading) zeros++
    for (let i = 0; i < bytes.length; i++) {
      carry += (bytes[i] ?? 0) * base
      bytes[i] = carry & 0xff
      carry >>= 8
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 0xff)
  }
  return [...new Array<number>(zeros).fill(0), ...bytes.reverse()]
}
