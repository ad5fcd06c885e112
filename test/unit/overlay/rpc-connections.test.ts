/** What becomes of calls while connections break and are made. */
import { beforeEach, describe, expect, it } from "vitest"
import type { Wire } from "../../support/rpc-wire.ts"
import { codeOf, echo, text, wired } from "../../support/rpc-wire.ts"

let wire: Wire
let a: ReturnType<Wire["peer"]>

beforeEach(() => {
  ({ wire, a } = wired())
})

/** The Link of `a` says so of its connection to `b`. */
function tell(name: "up" | "down"): void {
  for (const listener of a.link.listeners) listener({ name, peerId: "b" })
}

/** The round-trip time is this from now on, and has been measured so often. */
async function measured(roundTripMs: number, times: number): Promise<void> {
  wire.delayMs = roundTripMs / 2
  for (let count = 0; count < times; count++) {
    const reply = a.rpc.call("b", echo, text("a sample"))
    await wire.runtime.advanceAsync(roundTripMs)
    await reply
  }
}

describe("a call", () => {
  it("fails at once when the Link refuses the frame or loses the connection", async () => {
    expect(await codeOf(a.rpc.call("nobody", echo, text("")))).toBe("P2PSIP_UNREACHABLE")
    const code = codeOf(a.rpc.call("b", echo, text("")))
    tell("down")
    expect(await code).toBe("P2PSIP_UNREACHABLE")
  })

  it("takes a peer whose connection broke for gone once two attempts at another have broken, and no earlier", async () => {
    const call = (): Promise<string> => codeOf(a.rpc.call("b", echo, text("hello")))
    wire.lose = () => true
    tell("up")
    const gone = call()
    tell("down")
    tell("down")
    await wire.runtime.advanceAsync(110)
    expect(wire.sent).toBe(3)
    tell("down")
    expect(await gone).toBe("P2PSIP_UNREACHABLE")

    tell("up")
    const back = call()
    tell("down")
    tell("down")
    wire.lose = () => false
    await wire.runtime.advanceAsync(150)
    expect(await back).toBe("resolved")
  })

  it("has patience while a connection that was lost is made anew", async () => {
    await measured(300, 20)
    tell("down")
    // Three round trips for the connection, one for the answer: more than two ordinary timeouts.
    wire.delayMs = 600
    const reply = codeOf(a.rpc.call("b", echo, text("hello"), { attempts: 2 }))
    await wire.runtime.advanceAsync(1_250)
    expect(await reply).toBe("resolved")
  })

  it("takes nobody for silent while a connection over a long way is made anew", async () => {
    await measured(1_000, 20)
    tell("down")
    // Four round trips are more than the longest silence.
    wire.delayMs = 2_000
    const reply = codeOf(a.rpc.call("b", echo, text("hello"), { attempts: 2 }))
    await wire.runtime.advanceAsync(4_050)
    expect(await reply).toBe("resolved")
  })

  it("takes a connection for a sign of life: what was sent while it was made has only now been heard", async () => {
    wire.lose = () => true
    const reply = codeOf(a.rpc.call("b", echo, text("hello"), { attempts: 2 }))
    await wire.runtime.advanceAsync(1_400)
    tell("up")
    wire.lose = () => false
    await wire.runtime.advanceAsync(2_000)
    expect(await reply).toBe("resolved")
  })

  it.each(["up", "down"] as const)("sends again at once what may have gone with a connection that was %s, when there is another", async (before) => {
    const first = a.rpc.call("b", echo, text("hello"))
    await wire.runtime.advanceAsync(20)
    await first
    tell("up")
    tell(before)
    wire.lose = () => true
    const reply = codeOf(a.rpc.call("b", echo, text("hello"), { attempts: 1 }))
    await wire.runtime.advanceAsync(200)
    wire.lose = () => false
    tell("up")
    await wire.runtime.advanceAsync(20)
    expect(await Promise.race([reply, Promise.resolve("nothing yet")])).toBe("resolved")
  })

  it("waits no longer than for any answer once a connection is there", async () => {
    await measured(200, 1)
    tell("down")
    wire.lose = () => true
    const code = codeOf(a.rpc.call("b", echo, text("hello"), { attempts: 1 }))
    await wire.runtime.advanceAsync(50)
    tell("up")
    // A round trip of 200 ms makes a timeout of 600 ms; four more were for the connection.
    await wire.runtime.advanceAsync(620)
    expect(await Promise.race([code, Promise.resolve("nothing yet")])).toBe("P2PSIP_TIMEOUT")
  })
})
