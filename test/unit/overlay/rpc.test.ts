import fc from "fast-check"
import { beforeEach, describe, expect, it } from "vitest"
import { ByteReader, ByteWriter } from "../../../src/codec.ts"
import { P2PSipError } from "../../../src/errors.ts"
import { settle } from "../../support/manual-runtime.ts"
import type { Wire } from "../../support/rpc-wire.ts"
import { codeOf, echo, rest, text, wired } from "../../support/rpc-wire.ts"

let wire: Wire
let a: ReturnType<Wire["peer"]>
let b: ReturnType<Wire["peer"]>

beforeEach(() => {
  ({ wire, a, b } = wired())
})

describe("a call", () => {
  it("brings the handler's reply", async () => {
    const reply = a.rpc.call("b", echo, text("hello"))
    await wire.runtime.advanceAsync(20)
    expect(rest(await reply)).toBe("a:hello")
    expect(wire.sent).toBe(2)
  })

  it("takes a ByteWriter or a promise from the handler as well", async () => {
    b.rpc.handle(8, async () => new ByteWriter().text("later"))
    const reply = a.rpc.call("b", 8, text(""))
    await wire.runtime.advanceAsync(20)
    expect((await reply).text(10)).toBe("later")
  })

  it("carries the handler's error with its code", async () => {
    b.rpc.handle(8, () => { throw new P2PSipError("P2PSIP_PRECONDITION", "expected nothing, found something") })
    b.rpc.handle(9, async () => { throw new P2PSipError("P2PSIP_LIMIT", "full") })
    b.rpc.handle(10, () => { throw new TypeError("a bug") })
    const codes = Promise.all([8, 9, 10, 11].map((method) => codeOf(a.rpc.call("b", method, text("")))))
    await wire.runtime.advanceAsync(20)
    expect(await codes).toEqual(["P2PSIP_PRECONDITION", "P2PSIP_LIMIT", "P2PSIP_DEFECT", "P2PSIP_NOT_SUPPORTED"])
  })

  it("is sent again when the request or the reply is lost", async () => {
    for (const loser of ["a", "b"]) {
      let lost = false
      wire.lose = (from) => from === loser && !lost && (lost = true)
      const reply = a.rpc.call("b", echo, text("hello"))
      await wire.runtime.advanceAsync(1200)
      expect(rest(await reply)).toBe("a:hello")
    }
  })

  it("ends with a time-out after its attempts, each twice as patient", async () => {
    wire.lose = () => true
    const code = codeOf(a.rpc.call("b", echo, text("")))
    await wire.runtime.advanceAsync(500 + 1000 + 2000 - 20)
    expect(wire.sent).toBe(3)
    await wire.runtime.advanceAsync(50)
    expect(await code).toBe("P2PSIP_TIMEOUT")
    expect(wire.sent).toBe(3)
  })

  it("takes no longer to give up a peer whose timeout has grown", async () => {
    wire.lose = () => true
    for (let round = 0; round < 3; round++) {
      const code = codeOf(a.rpc.call("b", echo, text("")))
      await wire.runtime.advanceAsync(3_520)
      expect(await code).toBe("P2PSIP_TIMEOUT")
    }
  })

  it("ends with the others that one silence leaves unanswered, unless it has more patience", async () => {
    wire.lose = () => true
    const codes = [codeOf(a.rpc.call("b", echo, text("")))]
    await wire.runtime.advanceAsync(3_000)
    codes.push(codeOf(a.rpc.call("b", echo, text(""))))
    let isPatient = true
    a.rpc.call("b", echo, text(""), { attempts: 4 }).catch(() => (isPatient = false))
    await wire.runtime.advanceAsync(520)
    expect(await Promise.all(codes)).toEqual(["P2PSIP_TIMEOUT", "P2PSIP_TIMEOUT"])
    expect(isPatient).toBe(true)
  })

  it("does not end with another that got no answer while the peer gave some", async () => {
    wire.lose = (from, frame) => from === "a" && rest(new ByteReader(frame)).endsWith("lost")
    const lost = codeOf(a.rpc.call("b", echo, text("lost")))
    await wire.runtime.advanceAsync(3_000)
    const answered = codeOf(a.rpc.call("b", echo, text("")))
    let isOver = false
    a.rpc.call("b", echo, text("also lost")).catch(() => (isOver = true))
    await wire.runtime.advanceAsync(520)
    expect([await lost, await answered, isOver]).toEqual(["P2PSIP_TIMEOUT", "resolved", false])
  })

  it("backs off once for many requests that one silence leaves unanswered", async () => {
    wire.lose = () => true
    const codes = Promise.all(Array.from({ length: 20 }, () => codeOf(a.rpc.call("b", echo, text("")))))
    await wire.runtime.advanceAsync(3600)
    expect(new Set(await codes)).toEqual(new Set(["P2PSIP_TIMEOUT"]))
    expect(wire.sent).toBe(60)
  })

  it("waits for a peer that is slow but alive, up to the time-out", async () => {
    let handled = 0
    b.rpc.handle(8, () => {
      handled++
      return new Promise((resolve) => wire.runtime.setTimer(8000, () => resolve(text("done"))))
    })
    const reply = a.rpc.call("b", 8, text(""))
    await wire.runtime.advanceAsync(9000)
    expect(rest(await reply)).toBe("done")
    expect(handled).toBe(1)
  })

  it("gives up a peer that stays busy for longer than the time-out", async () => {
    b.rpc.handle(8, () => new Promise(() => undefined))
    const code = codeOf(a.rpc.call("b", 8, text("")))
    await wire.runtime.advanceAsync(10_020)
    expect(await code).toBe("P2PSIP_TIMEOUT")
  })

  it("ends when its signal fires, before or during", async () => {
    const controller = new AbortController()
    const during = codeOf(a.rpc.call("b", echo, text(""), { signal: controller.signal }))
    controller.abort()
    expect(await during).toBe("P2PSIP_ABORTED")
    expect(await codeOf(a.rpc.call("b", echo, text(""), { signal: controller.signal }))).toBe("P2PSIP_ABORTED")
  })

  it("ends when the peer stops", async () => {
    const code = codeOf(a.rpc.call("b", echo, text("")))
    a.rpc.stop()
    expect(await code).toBe("P2PSIP_NOT_OPEN")
    expect(await codeOf(a.rpc.call("b", echo, text("")))).toBe("P2PSIP_NOT_OPEN")
    await wire.runtime.advanceAsync(20_000)
    expect(wire.runtime.timersPending).toBe(0)
  })

  it("is refused when too many are under way or the body does not fit", async () => {
    const c = wire.peer("c", { maxPendingCalls: 1 })
    void codeOf(c.rpc.call("b", echo, text("")))
    expect(await codeOf(c.rpc.call("b", echo, text("")))).toBe("P2PSIP_LIMIT")
    expect(await codeOf(a.rpc.call("b", echo, new Uint8Array(995)))).toBe("P2PSIP_LIMIT")
  })

  it("makes a member's addresses known once", async () => {
    const member = { id: "", peerId: "b", addresses: ["/memory/b"] }
    void a.rpc.call(member, echo, text(""))
    void a.rpc.call(member, echo, text(""))
    await settle()
    expect(a.link.learnt).toEqual([{ peerId: "b", addresses: ["/memory/b"] }])
    await wire.runtime.advanceAsync(20)
  })

  it("measures round-trip times of requests that were sent once (Karn)", async () => {
    wire.delayMs = 50
    void a.rpc.call("b", echo, text(""))
    await wire.runtime.advanceAsync(100)
    expect(a.rpc.rttMs("b")).toBe(100)
    wire.delayMs = 300
    void a.rpc.call("b", echo, text(""))
    await wire.runtime.advanceAsync(2000)
    expect(a.rpc.rttMs("b")).toBe(100)
  })
})

describe("what does not belong", () => {
  it("an answer from a peer that was not asked is dropped", async () => {
    const c = wire.peer("c")
    const reply = codeOf(a.rpc.call("b", echo, text("")))
    wire.lose = (from) => from === "b"
    for (let id = 0; id < 3; id++) a.link.handler("c", new ByteWriter().uint8(1).uint32(id).finish())
    await wire.runtime.advanceAsync(4000)
    expect(await reply).toBe("P2PSIP_TIMEOUT")
    expect(wire.runtime.metrics.count("p2psip_rpc_dropped_frames_total", { reason: "unexpected reply" })).toBe(3)
    c.rpc.stop()
  })

  it("frames of any content neither throw nor leave anything behind", () => {
    b.rpc.onNotification(3, (_from, body) => void body.text(5))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (frame) => {
      b.link.handler("a", frame)
    }))
    wire.runtime.advance(20_000)
    expect(wire.runtime.timersPending).toBe(0)
  })

  it("notifications arrive, or are counted when malformed", () => {
    const seen: string[] = []
    b.rpc.onNotification(3, (from, body) => void seen.push(`${from}:${body.text(5)}`))
    a.rpc.notify("b", 3, new ByteWriter().text("hi").finish())
    a.rpc.notify("b", 3, text("x"))
    a.rpc.notify("b", 4, text(""))
    wire.runtime.advance(20)
    expect(seen).toEqual(["a:hi"])
    expect(wire.runtime.metrics.count("p2psip_rpc_dropped_frames_total")).toBe(2)
  })
})
