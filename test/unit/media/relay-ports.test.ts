import { createSocket } from "node:dgram"
import { once } from "node:events"
import { expect, test } from "vitest"
import { UdpPortPairs } from "../../../src/media/relay-ports.ts"
import type { HostPort } from "../../../src/sip/transport/index.ts"

/** A free range above whatever the system has just given away. */
async function openPairs(count: number): Promise<{ readonly pairs: UdpPortPairs; readonly from: number }> {
  for (let from = 20_002; ; from += 2 * count) {
    const pairs = new UdpPortPairs("127.0.0.1", { from, to: from + 2 * count - 1 })
    try {
      await pairs.start()
      return { pairs, from }
    } catch (error) {
      if (from > 30_000) throw error
    }
  }
}

test("a pair takes and sends at both of its ports, and is heard no more once it was given back", async () => {
  const { pairs, from } = await openPairs(2)
  const phone = createSocket("udp4")
  try {
    phone.bind(0, "127.0.0.1")
    await once(phone, "listening")
    const pair = pairs.take()
    expect(pair?.port).toBe(from)
    const heard = new Promise<[number, string, HostPort]>((resolve) => pair?.onPacket((kind, packet, at) => resolve([kind, Buffer.from(packet).toString(), at])))
    phone.send("report", from + 1, "127.0.0.1")
    const at = { host: "127.0.0.1", port: phone.address().port }
    expect(await heard).toEqual([1, "report", at])
    const answered = once(phone, "message")
    pair?.send(0, Buffer.from("answer"), at)
    expect(await answered).toMatchObject([Buffer.from("answer"), { port: from }])
    expect(pairs.free).toBe(1)
    if (pair !== undefined) pairs.give(pair)
    // The one that has rested for longer is next.
    expect([pairs.take()?.port, pairs.take()?.port, pairs.take()]).toEqual([from + 2, from, undefined])
  } finally {
    phone.close()
    await pairs.stop()
  }
})

test("a range that is taken is told of at the start, and what was opened is closed", async () => {
  const { pairs, from } = await openPairs(2)
  await pairs.stop()
  const last = new UdpPortPairs("127.0.0.1", { from: from + 2, to: from + 3 })
  await last.start()
  const wider = new UdpPortPairs("127.0.0.1", { from, to: from + 3 })
  await expect(wider.start()).rejects.toMatchObject({ code: "P2PSIP_PORT_IN_USE", message: expect.stringContaining("mediaRelay.ports") as string })
  await last.stop()
  await wider.start()
  expect(wider.free).toBe(2)
  await wider.stop()
})

test("an address of somebody else is refused", async () => {
  await expect(new UdpPortPairs("192.0.2.1", { from: 20_000, to: 20_001 }).start()).rejects.toMatchObject({ code: "P2PSIP_BAD_CONFIG" })
})
