import { expect, test } from "vitest"
import { ReceiveBuffer } from "../../../../src/sip/transport/receive-buffer.ts"

const MiB = 1024 * 1024

test("a buffer that takes too long to read shrinks until it does not, and grows again when there is time", () => {
  const sizes: number[] = []
  const buffer = new ReceiveBuffer({ setRecvBufferSize: (bytes) => void sizes.push(bytes) }, 4 * MiB)
  const delayAt = (bytesPerMs: number): number => buffer.bytes / bytesPerMs
  let now = 0
  for (; now < 5000; now += 20) buffer.adapt(delayAt(4096), now)
  expect(delayAt(4096)).toBeLessThanOrEqual(250)
  expect(sizes.length).toBeLessThan(10)
  for (; now < 10_000; now += 20) buffer.adapt(0, now)
  expect(buffer.bytes).toBe(4 * MiB)
})

test("a buffer never becomes too small for a burst", () => {
  const buffer = new ReceiveBuffer({ setRecvBufferSize: () => undefined }, 4 * MiB)
  for (let now = 0; now < 60_000; now += 20) buffer.adapt(1000, now)
  expect(buffer.bytes).toBe(512 * 1024)
})
