import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { TransportProtocol } from "../../../../src/sip/transport/transport.ts"
import { makeSipPair } from "../../../support/sip-pair.ts"

const scenario = fc.record({
  method: fc.constantFrom("INVITE", "MESSAGE"),
  protocol: fc.constantFrom<TransportProtocol>("UDP", "TCP", "P2P"),
  /** Which messages get lost, in the order of sending; those after the last do not. */
  losses: fc.array(fc.boolean(), { maxLength: 60 }),
  delayMs: fc.constantFrom(0, 1, 400, 3000),
  answers: fc.array(fc.record({ status: fc.constantFrom(100, 180, 200, 200, 302, 408, 486, 603), afterMs: fc.nat({ max: 50_000 }) }), {
    maxLength: 5,
  }),
  cancelAfterMs: fc.option(fc.nat({ max: 40_000 })),
  breakAfterMs: fc.option(fc.nat({ max: 60_000 })),
})

describe("whatever is lost, late, cancelled or broken", () => {
  test("every transaction ends, the user is told once how, and nothing stays behind", () => {
    fc.assert(
      fc.property(scenario, ({ method, protocol, losses, delayMs, answers, cancelAfterMs, breakAfterMs }) => {
        let sent = 0
        const pair = makeSipPair(protocol, { delayMs, loses: () => losses[sent++] ?? false })
        const { runtime, log, servers, respond, a, b } = pair
        const transaction = pair.send(method)
        const flow = a.flowTo(b.advertised)
        for (const { status, afterMs } of answers) runtime.setTimer(afterMs, () => respond(status))
        if (cancelAfterMs !== null) runtime.setTimer(cancelAfterMs, () => transaction.cancel())
        if (breakAfterMs !== null) runtime.setTimer(breakAfterMs, () => flow.close(new Error("broken")))
        // A user leaves no INVITE unanswered, and a client that hears only 180 cancels in the end.
        runtime.setTimer(60_000, () => servers.forEach((_, number) => respond(480, number)))
        runtime.setTimer(120_000, () => transaction.cancel())
        runtime.runAll()

        expect(pair.client.size).toBe(0)
        expect(pair.server.size).toBe(0)
        expect(runtime.timersPending).toBe(0)
        expect(flow.listenerCount).toBe(0)
        const outcomes = log.map((line) => line.split(" ").slice(1).join(" "))
        expect(outcomes.filter((what) => what === "end")).toHaveLength(1)
        expect(outcomes.at(-1)).toBe("end")
        const finals = outcomes.filter((what) => !what.startsWith("1") && what !== "end")
        const accepted = finals.filter((what) => what === "200").length
        expect(accepted > 0 && method === "INVITE" ? accepted === finals.length : finals.length === 1).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test("half of all messages lost: an INVITE that is answered reaches its end on both sides, nearly always by the answer", () => {
    let answered = 0
    for (let seed = 1; seed <= 200; seed++) {
      const pair = makeSipPair("UDP", { seed, delayMs: 20, loses: () => pair.runtime.random.float() < 0.5 })
      pair.server.onRequest((transaction) => {
        pair.servers.push(transaction)
        pair.respond(180)
        pair.respond(486)
      })
      pair.send("INVITE")
      pair.runtime.runAll()
      if (pair.log.some((line) => line.endsWith(" 486"))) answered++
    }
    expect(answered).toBeGreaterThan(190)
  })
})
