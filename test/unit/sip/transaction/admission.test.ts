import { describe, expect, test } from "vitest"
import { AdmissionControl } from "../../../../src/sip/transaction/admission.ts"
import { createResponse, SipRequest } from "../../../../src/sip/message/index.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"
import { makeRequest, makeSipPair } from "../../../support/sip-pair.ts"

interface Load {
  /** Requests offered per second. */
  readonly offered: number
  readonly workMs: number
  readonly refusalMs: number
  readonly method?: string
  /** For so long the process is stopped after three seconds. */
  readonly pauseMs?: number
}

/** One queue of what comes in 600 ms, one server, ten seconds; who is dropped or refused does not come back. */
function serve({ offered, workMs, refusalMs, method = "REGISTER", pauseMs = 0 }: Load) {
  const runtime = new ManualRuntime()
  const queue: number[] = []
  const gapMs = 1000 / offered
  const longest = 600 / gapMs
  const counts = { done: 0, refused: 0, dropped: 0 }
  const waitMs = (): number => (queue[0] === undefined ? 0 : runtime.now() - queue[0])
  const admission = new AdmissionControl(runtime, () => ({ delayMs: waitMs(), losses: counts.dropped }))
  let pausesLeft = pauseMs > 0 ? 1 : 0
  for (let nextArrival = 0; runtime.now() < 10_000; ) {
    if (runtime.now() > 3000 && pausesLeft-- > 0) runtime.advance(pauseMs)
    for (; nextArrival <= runtime.now(); nextArrival += gapMs) {
      if (queue.length < longest) queue.push(nextArrival)
      else counts.dropped++
    }
    if (queue.length === 0) {
      runtime.advance(Math.max(0, nextArrival - runtime.now()))
      continue
    }
    admission.onMessage()
    const isRefused = admission.refuses(method)
    queue.shift()
    counts[isRefused ? "refused" : "done"]++
    runtime.advance(isRefused ? refusalMs : workMs)
  }
  return { ...counts, doneShare: (counts.done * workMs) / 10_000, waitMs: waitMs() }
}

describe("at three times what can be done", () => {
  test("costly requests are all done or refused, few are dropped, and the wait stays short", () => {
    const { doneShare, refused, dropped, waitMs } = serve({ offered: 3000, workMs: 1, refusalMs: 0.03 })
    expect(doneShare).toBeGreaterThan(0.9)
    expect(refused).toBeGreaterThan(5 * dropped)
    expect(waitMs).toBeLessThan(200)
  })

  test("requests that cost hardly more than a refusal keep their share of the time", () => {
    const { doneShare, refused } = serve({ offered: 3000, workMs: 1, refusalMs: 0.4 })
    expect(doneShare).toBeGreaterThan(0.8)
    expect(refused).toBeGreaterThan(0)
  })
})

test("calls at three times what can be done are refused for as long as that takes: one let in costs ten times as much", () => {
  const load = { offered: 1000, workMs: 3, refusalMs: 0.35 }
  const { doneShare, dropped } = serve({ ...load, method: "INVITE" })
  expect(doneShare).toBeGreaterThan(0.7)
  expect(dropped).toBeLessThan(serve(load).dropped / 4)
})

test("at 70 % of what can be done nobody is refused", () => {
  expect(serve({ offered: 700, workMs: 1, refusalMs: 0.03 })).toMatchObject({ refused: 0, dropped: 0 })
})

test.each([0.5, 0.7, 0.9])("a pause of 400 ms at %f of what can be done makes nobody be refused", (load) => {
  expect(serve({ offered: load * 1000, workMs: 1, refusalMs: 0.03, pauseMs: 400 })).toMatchObject({ refused: 0, dropped: 0 })
})

describe("a layer whose messages wait too long", () => {
  const peer = { host: "192.0.2.1", port: 5060 }

  /** A server that has been slow for long enough to refuse everybody. */
  function makeSlow() {
    const pair = makeSipPair()
    const { b, runtime } = pair
    Object.defineProperty(b, "queueDelayMs", { value: 500 })
    const receive = (request: SipRequest): void => {
      request.headers.prepend("Via", `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${request.method}${runtime.now()}`)
      b.receive(request.toBytes().toString("latin1"), peer)
    }
    for (let i = 0; i < 80; i++) {
      runtime.advance(20)
      b.receive("SIP/2.0 200 OK\r\n\r\n", peer)
    }
    return { ...pair, receive }
  }

  test("answers a new request 503 with Retry-After, and absorbs the ACK", () => {
    const { receive, network, servers, strays } = makeSlow()
    receive(makeRequest("INVITE"))
    const answer = network.sent.at(-1)?.text ?? ""
    expect(answer).toMatch(/^SIP\/2.0 503 /)
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/)
    const ack = makeRequest("ACK")
    ack.headers.set("To", /\r\nTo: (.*)\r\n/.exec(answer)?.[1] ?? "")
    receive(ack)
    expect(servers).toEqual([])
    expect(strays.filter((message) => message instanceof SipRequest)).toEqual([])
  })

  test("offers those REGISTERs unparsed that it lets in, and refuses the others once each", () => {
    const { receive, network, runtime, server } = makeSlow()
    const before = network.sent.length
    let taken = 0
    server.onUnparsed(() => {
      taken++
      return true
    })
    for (let i = 0; i < 300; i++) {
      runtime.advance(1)
      receive(makeRequest("REGISTER"))
    }
    const refused = network.sent.slice(before).filter(({ text }) => text.startsWith("SIP/2.0 503 ")).length
    expect(taken + refused).toBe(300)
    expect(taken).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(20)
  })

  test("goes on with what has begun", () => {
    const { receive, servers } = makeSlow()
    const bye = makeRequest("BYE")
    bye.headers.set("To", "<sip:bob@example.com>;tag=b1")
    receive(bye)
    expect(servers.map(({ method }) => method)).toEqual(["BYE"])
  })

  test("answers the retransmission of a request that it has let in", () => {
    const pair = makeSipPair()
    const { a, b, runtime, network, servers } = pair
    pair.send("INVITE")
    runtime.advance(0)
    servers[0]?.respond(createResponse(servers[0].request, 180, undefined, { toTag: "b1" }))
    runtime.advance(0)
    const invite = network.sent.find(({ text }) => text.startsWith("INVITE"))?.text ?? ""
    Object.defineProperty(b, "queueDelayMs", { value: 500 })
    for (let i = 0; i < 80; i++) {
      runtime.advance(20)
      b.receive(invite, a.advertised)
    }
    expect(network.sent.at(-1)?.text).toMatch(/^SIP\/2.0 180 /)
    expect(servers).toHaveLength(1)
  })
})
