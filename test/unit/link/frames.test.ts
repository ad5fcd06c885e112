import fc from "fast-check"
import { expect, test } from "vitest"
import { encodeFrames, FrameDecoder, type ChannelFrame } from "../../../src/link/frames.ts"

const maxFrameBytes = 1000

const anyFrames = fc.array(fc.record({
  channel: fc.integer({ min: 0, max: 255 }),
  frame: fc.uint8Array({ maxLength: maxFrameBytes }),
}), { maxLength: 20 })

/** Cuts bytes at the given places, in any order and beyond the end. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

const plain = (frames: readonly ChannelFrame[]): unknown => frames.map(({ channel, frame }) => [channel, [...frame]])

test("what was encoded is decoded again, wherever the bytes were cut", () => {
  fc.assert(fc.property(anyFrames, fc.array(fc.nat(), { maxLength: 50 }), (frames, places) => {
    const decoder = new FrameDecoder(maxFrameBytes)
    const decoded = cut(encodeFrames(frames), places).flatMap((chunk) => decoder.push(chunk))
    expect(plain(decoded)).toEqual(plain(frames))
    expect(decoder.isBetweenFrames).toBe(true)
  }))
})

test("any bytes give frames within the limit or P2PSIP_BAD_FRAME, nothing else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 10 }), (bytes, places) => {
    const decoder = new FrameDecoder(100)
    try {
      const decoded = cut(bytes, places).flatMap((chunk) => decoder.push(chunk))
      for (const { frame } of decoded) expect(frame.length).toBeLessThanOrEqual(100)
    } catch (error) {
      expect(error).toMatchObject({ code: "P2PSIP_BAD_FRAME" })
    }
  }))
})

test("a frame that is cut off leaves the decoder within a frame", () => {
  const bytes = encodeFrames([{ channel: 1, frame: new Uint8Array(300) }])
  for (let length = 1; length < bytes.length; length++) {
    const decoder = new FrameDecoder(maxFrameBytes)
    expect(decoder.push(bytes.subarray(0, length))).toEqual([])
    expect(decoder.isBetweenFrames).toBe(false)
  }
})

test.each([
  ["an empty frame, which has no channel", [0]],
  ["a frame one byte too long", [...encodeFrames([{ channel: 1, frame: new Uint8Array(maxFrameBytes + 1) }])]],
  ["a length without end", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
])("refuses %s", (_name, bytes) => {
  expect(() => new FrameDecoder(maxFrameBytes).push(Uint8Array.from(bytes))).toThrow(/expected a frame/)
})
