import fc from "fast-check"
import { expect, test } from "vitest"
import { decodeMedia, encodeMedia } from "../../../src/media/media-packet.ts"
import type { MediaKind } from "../../../src/media/relay-ports.ts"
import "../../support/laws.ts"

test("packets between relays come out as they went in, and anything else is none", () => {
  const id = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("hex"))
  fc.assert(fc.property(id, fc.constantFrom<MediaKind>(0, 1), fc.uint8Array(), (name, kind, packet) => {
    expect(decodeMedia(encodeMedia({ id: name, kind, packet }))).toEqual({ id: name, kind, packet: Buffer.from(packet) })
  }))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
    const media = decodeMedia(bytes)
    expect(media === undefined || Buffer.from(encodeMedia(media)).equals(bytes)).toBe(true)
  }))
})
