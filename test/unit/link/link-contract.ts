/** The promises of the Link contract, for every Link. */
import { afterEach, describe, expect, test, vi } from "vitest"
import { channels, type Link, type PeerEvent, type PeerId } from "../../../src/link/link.ts"

/** Where the Links of one test live. */
export interface LinkWorld {
  /** A Link that has been started. */
  create(): Promise<Link>
  /** Ends a Link as a crash would. */
  kill(link: Link): Promise<void>
  /** A Link of the same peer at the same address as one that was killed. */
  restart(link: Link): Promise<Link>
  /** An address where nobody answers. */
  readonly deadAddress: string
  close(): Promise<void>
}

interface Received {
  readonly from: PeerId
  readonly frame: Uint8Array
}

function collect(link: Link): Received[] {
  const received: Received[] = []
  link.onFrame(channels.overlay, (from, frame) => received.push({ from, frame }))
  return received
}

function watch(link: Link): PeerEvent[] {
  const events: PeerEvent[] = []
  link.onPeer((event) => events.push(event))
  return events
}

function numbered(number: number, length = 4): Uint8Array {
  const frame = Buffer.alloc(length, number & 0xff)
  frame.writeUInt32BE(number)
  return frame
}

const numbersOf = (received: readonly Received[]): number[] =>
  received.map(({ frame }) => Buffer.from(frame).readUInt32BE())

const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number)

async function receivedCount(received: readonly Received[], count: number): Promise<void> {
  await vi.waitFor(() => expect(received.length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 2 })
}

/** Declares the tests for one kind of Link. */
export function linkContract(name: string, createWorld: () => LinkWorld): void {
  describe(`${name} as a Link`, () => {
    let world = createWorld()
    afterEach(async () => {
      await world.close()
      world = createWorld()
    })

    async function pair(): Promise<{ a: Link; b: Link }> {
      const a = await world.create()
      const b = await world.create()
      a.learn(b.self)
      b.learn(a.self)
      return { a, b }
    }

    test("delivers each frame once, in order, unchanged, and names its sender", async () => {
      const { a, b } = await pair()
      const received = collect(b)
      for (const number of upTo(2000)) expect(a.send(b.self.peerId, channels.overlay, numbered(number))).toBe(true)
      await receivedCount(received, 2000)
      expect(numbersOf(received)).toEqual(upTo(2000))
      expect(new Set(received.map(({ from }) => from))).toEqual(new Set([a.self.peerId]))
    })

    test("carries empty frames and the longest ones; a longer one is refused", async () => {
      const { a, b } = await pair()
      const received = collect(b)
      const lengths = [0, 1, 127, 128, 16_383, 16_384, 65_535, 65_536, a.maxFrameBytes]
      for (const length of lengths) {
        expect(a.send(b.self.peerId, channels.overlay, Buffer.alloc(length, length & 0xff))).toBe(true)
      }
      expect(a.send(b.self.peerId, channels.overlay, Buffer.alloc(a.maxFrameBytes + 1))).toBe(false)
      await receivedCount(received, lengths.length)
      expect(received.map(({ frame }) => frame.length)).toEqual(lengths)
      for (const { frame } of received) expect(frame.every((byte) => byte === (frame.length & 0xff))).toBe(true)
    })

    test("carries both directions at once, also when both peers dial in the same moment", async () => {
      const { a, b } = await pair()
      const [atA, atB] = [collect(a), collect(b)]
      for (const number of upTo(500)) {
        a.send(b.self.peerId, channels.overlay, numbered(number, 1000))
        b.send(a.self.peerId, channels.overlay, numbered(number, 1000))
      }
      await receivedCount(atA, 500)
      await receivedCount(atB, 500)
      expect(numbersOf(atA)).toEqual(upTo(500))
      expect(numbersOf(atB)).toEqual(upTo(500))
    })

    test("keeps the channels apart", async () => {
      const { a, b } = await pair()
      const overlay = collect(b)
      const sip: Received[] = []
      b.onFrame(channels.sip, (from, frame) => sip.push({ from, frame }))
      a.send(b.self.peerId, channels.sip, numbered(1))
      a.send(b.self.peerId, channels.overlay, numbered(2))
      await receivedCount(overlay, 1)
      await receivedCount(sip, 1)
      expect([numbersOf(sip), numbersOf(overlay)]).toEqual([[1], [2]])
    })

    test("delivers a frame to oneself, but never within send", async () => {
      const link = await world.create()
      const received = collect(link)
      expect(link.send(link.self.peerId, channels.overlay, numbered(7))).toBe(true)
      expect(received).toEqual([])
      await receivedCount(received, 1)
      expect(received[0]?.from).toBe(link.self.peerId)
    })

    test("a received frame belongs to the receiver: overwriting it harms nobody", async () => {
      const { a, b } = await pair()
      const received = collect(b)
      const frame = numbered(5)
      b.onFrame(channels.sip, (_from, frame) => frame.fill(0xff))
      a.send(b.self.peerId, channels.sip, frame)
      a.send(b.self.peerId, channels.overlay, frame)
      await receivedCount(received, 1)
      expect(numbersOf(received)).toEqual([5])
    })

    test("refuses frames to a peer of which it has never heard", async () => {
      const [a, b] = [await world.create(), await world.create()]
      expect(a.send(b.self.peerId, channels.overlay, numbered(1))).toBe(false)
    })

    test("a peer that was written to can answer without having been told an address", async () => {
      const [a, b] = [await world.create(), await world.create()]
      a.learn(b.self)
      const received = collect(a)
      b.onFrame(channels.overlay, (from, frame) => b.send(from, channels.overlay, frame))
      a.send(b.self.peerId, channels.overlay, numbered(9))
      await receivedCount(received, 1)
      expect(numbersOf(received)).toEqual([9])
    })

    test("resolves an address to the peer that answers there", async () => {
      const [a, b] = [await world.create(), await world.create()]
      const received = collect(b)
      const found = await a.resolve(b.self.addresses[0] ?? "")
      expect(found.peerId).toBe(b.self.peerId)
      expect(a.send(found.peerId, channels.overlay, numbered(1))).toBe(true)
      await receivedCount(received, 1)
    })

    test("fails to resolve an address where nobody answers", async () => {
      const a = await world.create()
      await expect(a.resolve(world.deadAddress)).rejects.toMatchObject({ code: "P2PSIP_UNREACHABLE" })
    })

    test("tells of a peer that comes up and goes down", async () => {
      const { a, b } = await pair()
      const events = watch(a)
      const received = collect(b)
      a.send(b.self.peerId, channels.overlay, numbered(1))
      await receivedCount(received, 1)
      await vi.waitFor(() => expect(events).toEqual([{ name: "up", peerId: b.self.peerId }]))
      await world.kill(b)
      await vi.waitFor(() => expect(events.at(-1)).toEqual({ name: "down", peerId: b.self.peerId }), { timeout: 10_000 })
      expect(events.length).toBe(2)
    })

    test("tells of a peer that could not be reached at all", async () => {
      const { a, b } = await pair()
      const events = watch(a)
      await world.kill(b)
      expect(a.send(b.self.peerId, channels.overlay, numbered(1))).toBe(true)
      await vi.waitFor(() => expect(events).toEqual([{ name: "down", peerId: b.self.peerId }]), { timeout: 10_000 })
    })

    test("reaches a peer again that comes back at the same address", async () => {
      const { a, b } = await pair()
      const before = collect(b)
      const events = watch(a)
      a.send(b.self.peerId, channels.overlay, numbered(1))
      await receivedCount(before, 1)
      await world.kill(b)
      await vi.waitFor(() => expect(events.at(-1)?.name).toBe("down"), { timeout: 10_000 })
      const again = await world.restart(b)
      const after = collect(again)
      await vi.waitFor(() => {
        a.send(b.self.peerId, channels.overlay, numbered(2))
        expect(after.length).toBeGreaterThan(0)
      }, { timeout: 10_000, interval: 20 })
      expect(events.at(-1)?.name).toBe("up")
    })

    test("stop sends what is queued, and refuses everything afterwards", async () => {
      const { a, b } = await pair()
      const received = collect(b)
      for (const number of upTo(200)) a.send(b.self.peerId, channels.overlay, numbered(number, 2000))
      await a.stop()
      await receivedCount(received, 200)
      expect(numbersOf(received)).toEqual(upTo(200))
      expect(a.send(b.self.peerId, channels.overlay, numbered(1))).toBe(false)
      await a.stop()
    })

    test("bounds what waits for one peer", async () => {
      const { a, b } = await pair()
      const frame = Buffer.alloc(a.maxFrameBytes)
      let taken = 0
      while (a.send(b.self.peerId, channels.overlay, frame) && taken < 10_000) taken += 1
      expect(taken).toBeGreaterThan(0)
      expect(taken).toBeLessThan(1000)
    })

    test("a receiver that throws stops neither the Link nor the next frame", async () => {
      const { a, b } = await pair()
      const numbers: number[] = []
      b.onFrame(channels.overlay, (_from, frame) => {
        numbers.push(Buffer.from(frame).readUInt32BE())
        throw new Error("a receiver's defect")
      })
      a.send(b.self.peerId, channels.overlay, numbered(1))
      a.send(b.self.peerId, channels.overlay, numbered(2))
      await vi.waitFor(() => expect(numbers).toEqual([1, 2]))
    })
  })
}
