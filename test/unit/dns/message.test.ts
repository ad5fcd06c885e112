import { encode, type Answer, type Packet } from "dns-packet"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { encodeQuestion, isDnsName, readReply, type Question } from "../../../src/dns/message.ts"

const question: Question<"SRV"> = { id: 7, name: "_sip._udp.test", type: "SRV" }

function reply(answers: readonly Answer[], changes: Partial<Packet> = {}): Uint8Array {
  return encode({ type: "response", id: 7, questions: [{ type: "SRV", name: "_SIP._udp.test" }], answers: [...answers], ...changes })
}

function srv(name: string, target: string, port = 5060): Answer {
  return { type: "SRV", name, ttl: 60, data: { priority: 0, weight: 0, port, target } }
}

describe("an answer", () => {
  it("counts whatever the case of its letters", () => {
    const records = [{ priority: 0, weight: 0, port: 5060, target: "one.test" }]
    expect(readReply(reply([srv("_sip._UDP.test", "One.Test")]), question)).toEqual({ records, ttlSeconds: 60 })
  })

  it("keeps the target that says: not here", () => {
    expect(readReply(reply([srv(question.name, ".", 0)]), question)).toMatchObject({ records: [{ target: "" }] })
  })

  it("is nothing of what was not asked for", () => {
    expect(readReply(reply([srv("_sip._udp.elsewhere", "one.test")]), question)).toEqual({ records: [], ttlSeconds: undefined })
  })

  it.each<[string, Partial<Packet>]>([
    ["another id", { id: 8 }],
    ["another name", { questions: [{ type: "SRV", name: "_sip._tcp.test" }] }],
    ["another type", { questions: [{ type: "A", name: "_sip._udp.test" }] }],
    ["no question", { questions: [] }],
    ["a question", { type: "query" }],
  ])("with %s is not ours", (_, changes) => {
    expect(readReply(reply([srv(question.name, "one.test")], changes), question)).toBe("mismatch")
  })

  it("in a circle of aliases is nothing", () => {
    const alias = (name: string, data: string): Answer => ({ type: "CNAME", name, ttl: 60, data })
    expect(readReply(reply([alias(question.name, "a.test"), alias("a.test", question.name)]), question)).toMatchObject({ records: [] })
  })

  it("has at most 32 records", () => {
    const many = Array.from({ length: 50 }, (_, i) => srv(question.name, `h${i}.test`))
    const read = readReply(reply(many), question)
    expect(typeof read === "object" ? read.records.length : read).toBe(32)
  })

  it("of any bytes is read without an exception, and so is any damage to a good one", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readReply(bytes, question)))
    const good = reply([srv(question.name, "one.test"), srv(question.name, "two.test")])
    fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
      const damaged = Uint8Array.from(good)
      damaged[at] = byte
      void readReply(damaged.subarray(0, length), question)
    }))
  })
})

it("a question asks for recursion, and tells how long an answer may be", () => {
  const bytes = Buffer.from(encodeQuestion(question))
  expect(bytes.readUInt16BE(0)).toBe(7)
  expect(bytes.readUInt16BE(2)).toBe(0x0100)
  expect(bytes.readUInt16BE(10)).toBe(1)
})

it("names are labels of 1 to 63 letters, 253 in all", () => {
  expect(["example.org", "_sip._udp.x", "a"].map(isDnsName)).toEqual([true, true, true])
  expect(["", "a..b", ".a", "a b", `${"x".repeat(64)}`, `${"x.".repeat(127)}`].map(isDnsName)).toEqual([false, false, false, false, false, false])
})
