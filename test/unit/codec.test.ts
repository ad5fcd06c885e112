import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ByteReader, ByteWriter } from "../../src/codec.ts"
import { isP2PSipError } from "../../src/errors.ts"

const natural = fc.maxSafeNat()

describe("the codec", () => {
  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(natural, fc.uint8Array({ maxLength: 1000 }), fc.string(), natural, (number, bytes, text, other) => {
        const writer = new ByteWriter(1).varint(number).bytes(bytes).text(text).uint53(other).uint8(7)
        const reader = new ByteReader(writer.finish())
        expect(reader.varint()).toBe(number)
        expect([...reader.bytes(1000)]).toEqual([...bytes])
        expect(reader.text(100_000)).toBe(Buffer.from(text).toString())
        expect(reader.uint53()).toBe(other)
        expect(reader.uint8()).toBe(7)
        reader.end()
      }),
    )
  })

  it("refuses lengths beyond the frame before it allocates", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reader = new ByteReader(bytes)
        try {
          while (reader.remaining > 0) reader.bytes(2 ** 40)
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
        }
      }),
    )
    expect(() => new ByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0x7f)).count(2 ** 31, 8)).toThrow("expected at most 0 items")
  })
})
