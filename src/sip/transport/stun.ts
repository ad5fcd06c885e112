/**
 * STUN on SIP's UDP ports (RFC 5626 §4.4.2, §8; RFC 8489): a phone behind NAT
 * keeps its binding open with Binding requests, and sees in the answers when
 * its address has changed. Pure.
 *
 * An answer is at most 24 bytes longer than its request's header, so that
 * nobody gains much by asking in another's name.
 */
import { isIPv6 } from "node:net"
import { ipv6Groups } from "./source.ts"
import type { HostPort } from "./transport.ts"

const headerBytes = 20
const magicCookie = 0x2112a442
const bindingRequest = 0x0001
const bindingSuccess = 0x0101
const bindingError = 0x0111
const xorMappedAddress = 0x0020
const errorCode = 0x0009
const unknownAttributes = 0x000a
/** Up to here an attribute must be understood; those that prove who asks prove nothing that matters here. */
const lastRequired = 0x7fff
const ignored: ReadonlySet<number> = new Set([0x0006, 0x0008, 0x001c, 0x001e, 0x0024, 0x0025])
/** More of them than this are not listed. */
const maxUnknown = 4

/** Whether a datagram is a STUN message: its first two bits are zero, and the cookie and the length fit (RFC 8489 §5). */
export function isStun(message: Buffer): boolean {
  if (message.length < headerBytes || ((message[0] ?? 0xff) & 0xc0) !== 0) return false
  return message.readUInt32BE(4) === magicCookie && message.readUInt16BE(2) === message.length - headerBytes && message.length % 4 === 0
}

/** The answer to a Binding request that came from `source`; undefined for every other STUN message. */
export function answerToStun(message: Buffer, source: HostPort): Buffer | undefined {
  if (message.readUInt16BE(0) !== bindingRequest) return undefined
  const unknown = unknownRequired(message)
  if (unknown === undefined) return undefined
  const transaction = message.subarray(8, headerBytes)
  if (unknown.length === 0) return response(bindingSuccess, transaction, [mappedAddress(source, message.subarray(4, headerBytes))])
  const list = Buffer.alloc(unknown.length * 2)
  for (const [index, type] of unknown.entries()) list.writeUInt16BE(type, index * 2)
  // 420: class 4, number 20.
  return response(bindingError, transaction, [attribute(errorCode, Buffer.of(0, 0, 4, 20)), attribute(unknownAttributes, list)])
}

/** Attributes that must be understood and are not; undefined where the list is malformed. */
function unknownRequired(message: Buffer): number[] | undefined {
  const unknown: number[] = []
  for (let at = headerBytes; at < message.length; ) {
    if (at + 4 > message.length) return undefined
    const type = message.readUInt16BE(at)
    const next = at + 4 + padded(message.readUInt16BE(at + 2))
    if (next > message.length) return undefined
    if (type <= lastRequired && !ignored.has(type) && unknown.length < maxUnknown) unknown.push(type)
    at = next
  }
  return unknown
}

/** RFC 8489 §14.2: the address, hidden from NATs that would translate it. `mask` is cookie and transaction. */
function mappedAddress({ host, port }: HostPort, mask: Buffer): Buffer {
  const address = addressBytes(host)
  const value = Buffer.alloc(4 + address.length)
  value.writeUInt16BE(isIPv6(host) ? 2 : 1, 0)
  value.writeUInt16BE(port ^ (magicCookie >>> 16), 2)
  for (const [index, byte] of address.entries()) value[4 + index] = byte ^ (mask[index] ?? 0)
  return attribute(xorMappedAddress, value)
}

function addressBytes(host: string): Buffer {
  if (!isIPv6(host)) return Buffer.from(host.split(".").map(Number))
  const bytes = Buffer.alloc(16)
  for (const [index, group] of ipv6Groups(host).entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  return bytes
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length))
  bytes.writeUInt16BE(type, 0)
  bytes.writeUInt16BE(value.length, 2)
  value.copy(bytes, 4)
  return bytes
}

function response(type: number, transaction: Buffer, attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat(attributes)
  const head = Buffer.alloc(8)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(body.length, 2)
  head.writeUInt32BE(magicCookie, 4)
  return Buffer.concat([head, transaction, body])
}

/** Attributes end at a multiple of four bytes. */
function padded(length: number): number {
  return (length + 3) & ~3
}
