import { expect, test } from "vitest"
import { defaultLinkLimits } from "../../../src/link/limits.ts"
import { channels } from "../../../src/link/link.ts"
import { SendQueue } from "../../../src/link/send-queue.ts"

test("media wait for nobody, and leave room for what has to arrive", () => {
  const queue = new SendQueue(defaultLinkLimits)
  const frame = new Uint8Array(1500)
  let taken = 0
  while (queue.hasRoomFor(channels.media, frame) && taken < 10_000) {
    queue.push({ channel: channels.media, frame })
    taken++
  }
  expect(taken).toBeLessThan(30)
  expect(queue.hasRoomFor(channels.overlay, new Uint8Array(1024 * 1024))).toBe(true)
})
