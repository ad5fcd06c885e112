import type { MessageStream } from "@libp2p/interface"
import fc from "fast-check"
import { Uint8ArrayList } from "uint8arraylist"
import { expect, test } from "vitest"
import { coalesceWrites } from "../../../src/link/coalesce.ts"
import { WindowGrants } from "../../../src/link/window-grants.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

/** A header of yamux: types are 0 data, 1 window update, 2 ping, 3 go away; flags are 1 SYN, 2 ACK, 4 FIN, 8 RST. */
function header(type: number, flags: number, stream: number, length: number): Uint8Array {
  const frame = Buffer.alloc(12)
  frame[1] = type
  frame.writeUInt16BE(flags, 2)
  frame.writeUInt32BE(stream, 4)
  frame.writeUInt32BE(length, 8)
  return new Uint8Array(frame)
}
const grant = (stream: number, length: number): Uint8Array => header(1, 0, stream, length)
const data = (stream: number, text: string): Uint8ArrayList => new Uint8ArrayList(header(0, 0, stream, text.length), Buffer.from(text))
const hex = (...parts: readonly (Uint8Array | Uint8ArrayList)[]): string => parts.map((part) => Buffer.from(part.slice()).toString("hex")).join("")

/** A stream that keeps what was sent, with its writes gathered. */
function gathering(): { stream: MessageStream; sent: string[]; turn: () => void } {
  const sent: string[] = []
  const stream = {
    status: "open",
    writableNeedsDrain: false,
    send: (bytes: Uint8Array | Uint8ArrayList) => {
      sent.push(hex(bytes))
      return true
    },
    close: () => Promise.resolve(),
  } as unknown as MessageStream
  const runtime = new ManualRuntime()
  coalesceWrites(stream, runtime)
  return { stream, sent, turn: () => runtime.runDeferred() }
}

test("all that is sent in one turn is one message, in its order", () => {
  const { stream, sent, turn } = gathering()
  stream.send(data(1, "one"))
  stream.send(header(1, 1, 3, 0))
  stream.send(data(1, "two"))
  expect(sent).toEqual([])
  turn()
  expect(sent).toEqual([hex(data(1, "one"), header(1, 1, 3, 0), data(1, "two"))])
})

test("window updates alone send nothing; they come along with the next message, one for each stream", () => {
  const { stream, sent, turn } = gathering()
  for (const bytes of [100, 200, 300]) {
    stream.send(grant(1, bytes))
    stream.send(grant(2, 1))
    turn()
  }
  expect(sent).toEqual([])
  stream.send(data(1, "answer"))
  turn()
  expect(sent).toEqual([hex(data(1, "answer"), grant(1, 600), grant(2, 3))])
  stream.send(data(1, "more"))
  turn()
  expect(sent.slice(1)).toEqual([hex(data(1, "more"))])
})

test("a sender that gets no answers is granted its window before a quarter of it is missing", () => {
  const { stream, sent, turn } = gathering()
  for (let index = 0; index < 10; index++) {
    stream.send(grant(1, 16 * 1024))
    turn()
  }
  expect(sent).toEqual([hex(grant(1, 64 * 1024)), hex(grant(1, 64 * 1024))])
})

test("what opens, accepts or ends a stream, and what is no window update, never waits", () => {
  const grants = new WindowGrants()
  for (const flags of [1, 2, 4, 8]) expect(grants.take(header(1, flags, 1, 10))).toBe(false)
  for (const type of [0, 2, 3]) expect(grants.take(header(type, 0, 1, 10))).toBe(false)
  expect(grants.take(new Uint8Array(12).fill(1))).toBe(false)
  expect(grants.take(Buffer.concat([grant(1, 1), Buffer.of(0)]))).toBe(false)
  const list = new Uint8ArrayList()
  grants.writeTo(list)
  expect(list.byteLength).toBe(0)
})

test("no byte of a window is lost or granted twice, however updates come", () => {
  fc.assert(fc.property(fc.array(fc.record({ stream: fc.integer({ min: 1, max: 4 }), bytes: fc.integer({ min: 1, max: 100_000 }), written: fc.boolean() })), (updates) => {
    const grants = new WindowGrants()
    const list = new Uint8ArrayList()
    const given = new Map<number, number>()
    for (const { stream, bytes, written } of updates) {
      given.set(stream, (given.get(stream) ?? 0) + bytes)
      expect(grants.take(grant(stream, bytes))).toBe(true)
      expect(bytes < 64 * 1024 || grants.isDue).toBe(true)
      if (written) grants.writeTo(list)
    }
    grants.writeTo(list)
    const found = new Map<number, number>()
    for (let at = 0; at < list.byteLength; at += 12) {
      const stream = list.getUint32(at + 4)
      found.set(stream, (found.get(stream) ?? 0) + list.getUint32(at + 8))
    }
    expect(found).toEqual(given)
  }))
})

test("closing sends what was gathered", async () => {
  const { stream, sent } = gathering()
  stream.send(data(1, "last"))
  await stream.close()
  expect(sent).toEqual([hex(data(1, "last"))])
})
