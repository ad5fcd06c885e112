import { describe, expect, it } from "vitest"
import { createResponse, type SipRequest } from "../../../../src/sip/message/index.ts"
import { NatKeepAlive, type NatKeepAliveOptions, type Registration } from "../../../../src/sip/registrar/nat-keep-alive.ts"
import type { Flow, TransportProtocol } from "../../../../src/sip/transport/transport.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"
import { MemoryNetwork } from "../../../support/memory-transport.ts"

interface Asked {
  readonly atMs: number
  readonly request: SipRequest
  readonly flow: Flow
}

/** A peer, and what it asks. */
function peer(options: NatKeepAliveOptions = {}) {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork(runtime)
  const transports = { UDP: network.add("UDP", "10.0.0.1"), TCP: network.add("TCP", "10.0.0.1") }
  const asked: Asked[] = []
  const keepAlive = new NatKeepAlive({ runtime, send: (request, flow) => void asked.push({ atMs: runtime.now(), request, flow }) }, options)
  const phone = (port: number, parts: Partial<Registration> = {}, protocol: TransportProtocol & ("UDP" | "TCP") = "UDP"): Registration => ({
    addressOfRecord: `sip:${port}@example.org`, flow: transports[protocol].flowTo({ host: "192.0.2.1", port }), sentBy: "10.1.1.1:5060",
    contact: `sip:${port}@10.1.1.1`, expiresSeconds: 3600, ...parts,
  })
  const answer = ({ request, flow }: Asked): boolean => keepAlive.takes(createResponse(request, 200), flow)
  return { runtime, keepAlive, asked, phone, answer, ports: () => asked.map(({ flow }) => flow.remote.port) }
}

describe("phones behind NAT", () => {
  it("are asked in even turns, however many registered at once", () => {
    const { runtime, keepAlive, asked, phone, answer } = peer()
    for (let port = 1; port <= 1000; port++) keepAlive.note(phone(port))
    for (let second = 1; second <= 200; second++) {
      const before = asked.length
      runtime.advance(1000)
      expect(asked.length - before).toBeLessThanOrEqual(90)
      for (const one of asked.slice(before)) answer(one)
    }
    const byPort = Map.groupBy(asked, ({ flow }) => flow.remote.port)
    expect(byPort.size).toBe(1000)
    for (const times of byPort.values()) {
      expect(times.length).toBeGreaterThanOrEqual(6)
      for (const [index, { atMs }] of times.entries()) expect(atMs - (times[index - 1]?.atMs ?? 0)).toBeLessThanOrEqual(38_000)
    }
  })

  it("are no more than allowed; those that are known may register again", () => {
    const { runtime, keepAlive, phone, ports } = peer({ maxPhones: 2 })
    for (const port of [1, 2, 3, 1]) keepAlive.note(phone(port))
    runtime.advance(25_000)
    expect(ports()).toEqual([1, 2])
    expect(runtime.metrics.read("p2psip_nat_phones")).toBe(2)
  })

  it("of several users are asked once, until the last of them has gone", () => {
    const { runtime, keepAlive, phone, ports } = peer()
    const [alice, bob] = ["sip:alice@example.org", "sip:bob@example.org"]
    for (const addressOfRecord of [alice, bob]) keepAlive.note(phone(1, { addressOfRecord }))
    runtime.advance(25_000)
    expect(ports()).toEqual([1])
    keepAlive.note(phone(1, { addressOfRecord: alice, contact: undefined, expiresSeconds: 0 }))
    runtime.advance(25_000)
    expect(ports()).toEqual([1, 1])
    keepAlive.note(phone(1, { addressOfRecord: bob, contact: undefined, expiresSeconds: 0 }))
    runtime.advance(100_000)
    expect(ports()).toEqual([1, 1])
    expect(runtime.timersPending).toBe(0)
  })

  it("of very many users hang on the first of them, so that one flow takes no more room than any", () => {
    const { runtime, keepAlive, phone, ports } = peer()
    const user = (number: number): Partial<Registration> => ({ addressOfRecord: `sip:${number}@example.org` })
    for (let number = 0; number < 1000; number++) keepAlive.note(phone(1, user(number)))
    for (let number = 0; number < 64; number++) keepAlive.note(phone(1, { ...user(number), contact: undefined, expiresSeconds: 0 }))
    runtime.advance(100_000)
    expect(ports()).toEqual([])
    keepAlive.note(phone(1, user(999)))
    runtime.advance(25_000)
    expect(ports()).toEqual([1])
  })

  it("count as silent where somebody else answers for them", () => {
    const { runtime, keepAlive, asked, phone, answer } = peer()
    keepAlive.note(phone(1))
    const elsewhere = phone(2).flow
    for (let round = 0; round < 6; round++) {
      runtime.advance(25_000)
      const latest = asked.at(-1)
      if (latest !== undefined) answer({ ...latest, flow: elsewhere })
    }
    expect(asked).toHaveLength(3)
  })

  it("are asked with a request that is theirs: their contact, our address, a number that grows", () => {
    const { runtime, keepAlive, asked, phone, answer } = peer()
    keepAlive.note(phone(7))
    for (let round = 0; round < 2; round++) {
      runtime.advance(25_000)
      for (const one of asked) answer(one)
    }
    expect(asked.map(({ request }) => [request.method, request.uri, request.cseq.number, request.from.uri])).toEqual([
      ["OPTIONS", "sip:7@10.1.1.1", 1, "sip:10.0.0.1:5060"],
      ["OPTIONS", "sip:7@10.1.1.1", 2, "sip:10.0.0.1:5060"],
    ])
    expect(asked[0]?.request.callId).toBe(asked[1]?.request.callId)
  })
})

describe("nobody is asked", () => {
  it.each<[string, Partial<Registration>, "UDP" | "TCP"]>([
    ["who is where the Via says", { sentBy: "192.0.2.1:7" }, "UDP"],
    ["on a connection", {}, "TCP"],
    ["who looks after the way", { contact: undefined }, "UDP"],
  ])("%s", (_, parts, protocol) => {
    const { runtime, keepAlive, asked, phone } = peer()
    keepAlive.note(phone(7, parts, protocol))
    runtime.advance(100_000)
    expect(asked).toEqual([])
    expect(runtime.timersPending).toBe(0)
  })

  it("at the usual port without saying so", () => {
    const { runtime, keepAlive, asked, phone } = peer()
    keepAlive.note(phone(5060, { sentBy: "192.0.2.1" }))
    runtime.advance(100_000)
    expect(asked).toEqual([])
  })

  it("that register while the peer stops", () => {
    const { runtime, keepAlive, asked, phone } = peer()
    keepAlive.stop()
    keepAlive.note(phone(1))
    expect(runtime.timersPending).toBe(0)
    runtime.advance(60_000)
    expect(asked).toEqual([])
  })

  it("after the peer has stopped", () => {
    const { runtime, keepAlive, asked, phone } = peer()
    keepAlive.note(phone(7))
    keepAlive.stop()
    runtime.advance(100_000)
    expect(asked).toEqual([])
  })
})

it("other people's answers are not taken", () => {
  const { runtime, keepAlive, asked, phone } = peer()
  keepAlive.note(phone(7))
  runtime.advance(25_000)
  const [{ request, flow } = { request: undefined, flow: undefined }] = asked
  if (request === undefined || flow === undefined) throw new Error("nobody was asked")
  expect(keepAlive.takes(request, flow)).toBe(false)
  request.headers.set("Call-ID", "another")
  expect(keepAlive.takes(createResponse(request, 200), flow)).toBe(false)
})
