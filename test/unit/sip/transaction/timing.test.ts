import { describe, expect, test } from "vitest"
import { makeSipPair } from "../../../support/sip-pair.ts"

/** The times at which messages that begin so were sent. */
function times(log: readonly string[], start: string): number[] {
  return log.filter((line) => line.slice(line.indexOf(" ") + 1).startsWith(start)).map((line) => Number(line.split(" ")[0]))
}

const all = { loses: () => true }
const responses = { loses: (message: string) => message.startsWith("SIP/2.0") }

describe("RFC 3261 §17.1.1.2", () => {
  test("an INVITE goes out 7 times, T1 and its doublings apart, and times out after 64*T1", () => {
    const { runtime, network, log, send, client } = makeSipPair("UDP", all)
    send("INVITE")
    runtime.runAll()
    expect(times(network.log, "INVITE")).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500])
    expect(log).toEqual(["32000 timeout", "32000 end"])
    expect(client.size).toBe(0)
  })

  test("over a stream it goes out once", () => {
    const { runtime, network, log, send } = makeSipPair("TCP")
    network.options = { delayMs: 100_000 }
    send("INVITE")
    runtime.advance(40_000)
    expect(times(network.log, "INVITE")).toEqual([0])
    expect(log).toEqual(["32000 timeout", "32000 end"])
  })

  test("a provisional response stops the retransmissions and the time-out", () => {
    const { runtime, network, log, send, respond } = makeSipPair()
    send("INVITE")
    runtime.advance(0)
    respond(180)
    runtime.advance(600_000)
    expect(times(network.log, "INVITE")).toEqual([0])
    expect(log).toEqual(["0 180"])
  })
})

describe("RFC 3261 §17.1.2.2", () => {
  test("another request goes out 11 times, T1 doubling up to T2", () => {
    const { runtime, network, log, send } = makeSipPair("UDP", all)
    send("MESSAGE")
    runtime.runAll()
    expect(times(network.log, "MESSAGE")).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    expect(log).toEqual(["32000 timeout", "32000 end"])
  })

  test("every T2 after a provisional response", () => {
    const { runtime, network, send } = makeSipPair()
    send("MESSAGE")
    runtime.runAll()
    // The 100 that is due at 3.5 s comes just after the retransmission of that moment.
    expect(times(network.log, "MESSAGE")).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    const quick = makeSipPair("UDP", { t1Ms: 100, t2Ms: 1600, loses: (message) => message.startsWith("SIP/2.0 2") })
    quick.send("MESSAGE")
    quick.runtime.runAll()
    expect(times(quick.network.log, "MESSAGE")).toEqual([0, 100, 300, 700, 1500, 3100, 4700, 6300])
  })
})

describe("RFC 3261 §17.2.1", () => {
  test("a refusal is repeated, T1 doubling up to T2, until 64*T1 without an ACK", () => {
    const { runtime, network, send, respond, server } = makeSipPair("UDP", responses)
    const invite = send("INVITE")
    runtime.advance(0)
    respond(180)
    respond(486)
    expect(invite.isDone).toBe(false)
    runtime.runAll()
    const repeated = times(network.log, "SIP/2.0 486")
    const own = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    // Each INVITE that comes again is answered at once as well.
    expect(repeated).toEqual([...own, 500, 1500, 3500, 7500, 15_500, 31_500].sort((x, y) => x - y))
    expect(server.size).toBe(0)
  })

  test("a refusal before any other response is sent once for each INVITE: a source that was made up gets no more than it seems to have sent", () => {
    const { runtime, network, send, respond } = makeSipPair("UDP", responses)
    send("INVITE")
    runtime.advance(0)
    respond(407)
    runtime.runAll()
    expect(times(network.log, "SIP/2.0 407")).toEqual(times(network.log, "INVITE"))
  })

  test("a 2xx is sent once: its repetition is the user's", () => {
    const { runtime, network, send, respond } = makeSipPair("UDP", responses)
    send("INVITE")
    runtime.advance(0)
    respond(200)
    runtime.runAll()
    expect(times(network.log, "SIP/2.0 200")).toEqual([0])
  })
})

test("T1, T2 and T4 are the user's to choose", () => {
  const { runtime, network, log, send } = makeSipPair("UDP", { ...all, t1Ms: 50, t2Ms: 150 })
  send("MESSAGE")
  runtime.runAll()
  expect(times(network.log, "MESSAGE").slice(0, 6)).toEqual([0, 50, 150, 300, 450, 600])
  expect(log).toEqual(["3200 timeout", "3200 end"])
})
