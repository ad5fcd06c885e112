/** What those who use the layer throw does not get any further. */
import { expect, test } from "vitest"
import { makeRequest, makeSipPair } from "../../../support/sip-pair.ts"

test("what the user throws becomes an answer", () => {
  const { runtime, send, server, log } = makeSipPair()
  server.onRequest(() => {
    throw new Error("a defect")
  })
  send("OPTIONS")
  runtime.advance(0)
  expect(log).toEqual(["0 500", "0 end"])
})

test("what one user throws at the end of a flow keeps nobody else from hearing of it", () => {
  const { runtime, client, a, b } = makeSipPair("TCP")
  const flow = a.flowTo(b.advertised)
  const told: string[] = []
  const ask = (name: string): void => {
    client.request(makeRequest("OPTIONS"), flow, {
      onResponse: () => undefined,
      onTimeout: () => undefined,
      onTransportError: () => {
        told.push(name)
        throw new Error("a defect")
      },
    })
  }
  for (const name of ["one", "two", "three"]) ask(name)
  flow.close()
  expect(told).toEqual(["one", "two", "three"])
  expect(runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(3)
})

test("what the taker of unparsed messages throws goes no further", () => {
  const { runtime, send, server } = makeSipPair()
  server.onUnparsed(() => {
    throw new Error("a defect")
  })
  send("REGISTER")
  runtime.advance(0)
  expect(runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(1)
})
