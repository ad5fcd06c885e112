import { createSocket } from "node:dgram"
import { once } from "node:events"
import fc from "fast-check"
import { describe, expect, onTestFinished, test } from "vitest"
import { answerToStun, isStun } from "../../../../src/sip/transport/stun.ts"
import { UdpTransport } from "../../../../src/sip/transport/udp.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"

const transaction = Buffer.from("b7e7a701bc34d686fa87dfae", "hex")

function request(attributes = "", type = "0001"): Buffer {
  const body = Buffer.from(attributes, "hex")
  return Buffer.concat([Buffer.from(type + body.length.toString(16).padStart(4, "0") + "2112a442", "hex"), transaction, body])
}

describe("a Binding request", () => {
  // RFC 5769 §2.2 and §2.3: the same transaction, and the addresses that they map.
  test.each([
    [{ host: "192.0.2.1", port: 32853 }, "002000080001a147e112a643"],
    [{ host: "2001:db8:1234:5678:11:2233:4455:6677", port: 32853 }, "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"],
  ])("from %o is answered with that address", (source, expected) => {
    const answer = answerToStun(request(), source)
    expect(answer?.toString("hex")).toBe(`0101${(expected.length / 2).toString(16).padStart(4, "0")}2112a442${transaction.toString("hex")}${expected}`)
  })

  test.each(["::1", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:db8::"])("from %s is answered with 16 bytes of address", (host) => {
    expect(answerToStun(request(), { host, port: 5060 })).toHaveLength(20 + 4 + 20)
  })

  test("with an attribute that must be understood is answered 420, which names it", () => {
    const answer = answerToStun(request("7f01000400000000"), { host: "192.0.2.1", port: 1 })
    expect(answer?.toString("hex")).toContain("0009000400000414000a00027f010000")
  })

  test.each(["802800041234abcd", "0006000361626300", "8022000461626364"])("with the attribute %s is answered as if that were not there", (attribute) => {
    expect(answerToStun(request(attribute), { host: "192.0.2.1", port: 1 })?.readUInt16BE(0)).toBe(0x0101)
  })

  test("whose attributes do not fit is not answered", () => {
    expect(answerToStun(request("8028000812345678"), { host: "192.0.2.1", port: 1 })).toBe(undefined)
  })
})

test("an indication is taken, and not answered", () => {
  expect(isStun(request("", "0011"))).toBe(true)
  expect(answerToStun(request("", "0011"), { host: "192.0.2.1", port: 1 })).toBe(undefined)
})

test("no SIP message passes for STUN, and nothing makes the answer long", () => {
  expect(isStun(Buffer.from("REGISTER sip:example.org SIP/2.0\r\n\r\n"))).toBe(false)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const message = Buffer.concat([request().subarray(0, 20), bytes])
      message.writeUInt16BE(bytes.length, 2)
      const answer = isStun(message) ? answerToStun(message, { host: "2001:db8::1", port: 65_535 }) : undefined
      expect(answer?.length ?? 0).toBeLessThanOrEqual(44)
    }),
  )
})

test("a UDP listener answers where the request came from, and passes nothing on", async () => {
  const transport = new UdpTransport({ runtime: new SocketRuntime() }, { port: 0 })
  onTestFinished(() => transport.stop())
  await transport.start()
  let messages = 0
  transport.onMessage(() => messages++)
  const phone = createSocket("udp4")
  onTestFinished(() => void phone.close())
  phone.send(request(), transport.bound.port, "127.0.0.1")
  const [answer] = (await once(phone, "message")) as [Buffer]
  expect(answer.subarray(0, 2).toString("hex")).toBe("0101")
  expect(answer.readUInt16BE(26) ^ 0x2112).toBe(phone.address().port)
  expect(messages).toBe(0)
})
