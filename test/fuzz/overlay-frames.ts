/**
 * Hostile frames between peers: requests, replies and notifications of every
 * method, well formed with absurd contents, broken in one place, or noise.
 */
import fc from "fast-check"
import { channels, type Channel } from "../../src/link/link.ts"
import { encodeForward } from "../../src/overlay/forward-codec.ts"
import { idOfPeer } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import { encodeGossip, encodeSyncRequest, membershipMethods } from "../../src/overlay/membership-messages.ts"
import { bucketCount } from "../../src/overlay/membership-table.ts"
import { methods } from "../../src/overlay/methods.ts"
import { encodeOperation, encodeRequest } from "../../src/overlay/operation-codec.ts"
import { frameKinds } from "../../src/overlay/rpc-frame.ts"
import { encodeCompare, encodeItem, encodeKeys, encodeOffer, encodeStore } from "../../src/overlay/transfer-codec.ts"
import type { Body, HostileBackend } from "./backend-frames.ts"
import { backendBodies, bodyOf } from "./backend-frames.ts"

/** One frame and the channel that it goes over. */
export interface HostileFrame {
  readonly channel: Channel
  readonly frame: Uint8Array
}

const number = fc.constantFrom(0, 1, 2, 255, 2 ** 31, 2 ** 32 - 1)
const time = fc.constantFrom(0, 1, 1_000, 60_000, 2 ** 31, 2 ** 40)
const id = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("hex"))
const binary = (maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString("latin1"))

/** Members that nobody can reach, that name strange places, or that are the attacker or its victim. */
function memberOf(peerIds: readonly string[]): fc.Arbitrary<Member> {
  const peerId = fc.oneof(fc.constantFrom(...peerIds), fc.string({ minLength: 1, maxLength: 60 }), fc.constantFrom("__proto__", "\0", "é"))
  const address = fc.oneof(
    fc.constantFrom("/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/9/quic-v1", "/dns4/none.invalid/tcp/1", "/unix/tmp/none", "//", "", "/ip4/1/tcp/x"),
    fc.string({ maxLength: 40 }),
  )
  return fc.record({ peerId, addresses: fc.array(address, { maxLength: 4 }) })
    .map(({ peerId, addresses }) => ({ id: idOfPeer(peerId), peerId, addresses }))
}

/** Bodies that decode, for each method that a peer of the backend has. */
function bodies(self: Member, victim: string, backend: HostileBackend): fc.Arbitrary<Body> {
  const member = memberOf([self.peerId, victim])
  const entry = fc.record({
    status: fc.constantFrom("alive" as const, "dead" as const, "left" as const),
    incarnation: fc.constantFrom(0, 1, 2 ** 40, 2 ** 52, 2 ** 53 - 1),
    member,
  })
  const gossip = fc.record({ digest: number, entries: fc.array(entry, { maxLength: 20 }) })
  const digests = fc.array(fc.record({ key: id, high: number, low: number }), { maxLength: 20 })
  const record = fc.record({
    valueHash: binary(64), value: fc.option(binary(200), { nil: undefined }), order: fc.constantFrom(0, 1, 2 ** 50, 2 ** 53 - 1),
    operationId: fc.constant("12345678"), series: binary(20), number, liveUntil: time, keptUntil: time,
  })
  const item = fc.record({ key: id, records: fc.array(record, { maxLength: 4 }) }).map((one) => encodeItem(one, 0))
  const mutation = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), value: fc.uint8Array({ maxLength: 200 }), valueHash: fc.uint8Array({ maxLength: 64 }), ttlSeconds: number, sequence: fc.constant(undefined) }),
    fc.record({ kind: fc.constant("removeAll" as const), sequence: fc.constant(undefined) }),
  )
  const update = fc.record({ operationId: fc.constant("12345678"), preconditions: fc.constant([]), mutations: fc.array(mutation, { maxLength: 4 }) })
  const operation = fc.oneof(
    fc.record({ kind: fc.constant("update" as const), update }),
    fc.record({ kind: fc.constant("get" as const), consistency: fc.constantFrom("owner" as const, "any" as const, "all" as const) }),
    fc.record({ kind: fc.constant("lookup" as const) }),
  )
  const shared = fc.oneof(
    bodyOf(membershipMethods.gossip, gossip, encodeGossip),
    bodyOf(membershipMethods.sync, gossip, (one) => encodeSyncRequest({ ...one, bucketDigests: new Uint32Array(bucketCount).fill(7) })),
    bodyOf(methods.execute, fc.tuple(id, operation), ([key, one]) => encodeRequest(key, one.kind, [victim], encodeOperation(one))),
    bodyOf(methods.forward, fc.tuple(id, operation, fc.record({ name: number, withinMs: number, trail: fc.array(number, { maxLength: 24 }) })), ([key, one, head]) =>
      encodeForward(head, encodeRequest(key, one.kind, [victim], encodeOperation(one)))),
    bodyOf(methods.store, fc.array(item, { maxLength: 8 }), encodeStore),
    bodyOf(methods.fetch, fc.array(id, { maxLength: 50 }), encodeKeys),
    bodyOf(methods.compare, fc.tuple(fc.maxSafeNat(), id, id), ([order, from, to]) => encodeCompare({ order, range: { from, to }, buckets: [] })),
    bodyOf(methods.offer, digests, encodeOffer),
    bodyOf(methods.keep, fc.tuple(id, fc.uint8Array({ maxLength: 60 })), ([key, bytes]) => Buffer.concat([Buffer.from(key, "hex"), bytes])),
    bodyOf(255, fc.uint8Array({ maxLength: 40 }), (bytes) => bytes),
  )
  return fc.oneof(shared, backendBodies[backend]({ self, member, id, number }))
}

export interface Attack {
  readonly seed: number
  readonly count: number
  readonly backend: HostileBackend
}

/** Frames of an attacker, `self`, for the peer `victim`; the same seed gives the same frames. */
export function hostileFrames(self: Member, victim: string, { seed, count, backend }: Attack): HostileFrame[] {
  const body = bodies(self, victim, backend)
  const request = fc.tuple(number, body).map(([id, [method, body]]) => {
    const head = Buffer.from([frameKinds.request, 0, 0, 0, 0, method])
    head.writeUInt32BE(id, 1)
    return Buffer.concat([head, body])
  })
  const notification = body.map(([method, body]) => Buffer.concat([Buffer.of(frameKinds.notification, method), body]))
  const broken = fc.tuple(fc.oneof(request, notification), fc.nat(), fc.nat(255), fc.boolean()).map(([frame, place, byte, isCut]) => {
    const at = place % frame.length
    const copy = Buffer.from(isCut ? frame.subarray(0, at) : frame)
    if (at < copy.length) copy[at] = byte
    return copy
  })
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  const frame = fc.oneof({ weight: 4, arbitrary: request }, { weight: 2, arbitrary: notification }, { weight: 3, arbitrary: broken }, noise)
  return fc.sample(frame, { seed, numRuns: count }).map((one) => ({ channel: channels.overlay, frame: one }))
}
