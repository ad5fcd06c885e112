import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bestOf } from "../../../../src/sip/proxy/best-response.ts"
import { advance, createContext } from "../../../../src/sip/proxy/response-context.ts"
import type { ContextAction, ContextInput, ResponseContext, TargetShape } from "../../../../src/sip/proxy/response-context.ts"

interface Response {
  readonly status: number
}

type Input = ContextInput<Response>
type Action = ContextAction<Response>

/** A context that is fed, and writes down what it wants done. */
class Play {
  context: ResponseContext<Response>
  readonly actions: Action[] = []

  /** `alternates[i]` ways stand behind target i. */
  constructor(alternates: readonly number[], { isInvite = true, maxParallel = 60, isHop = false, q = [] as readonly number[] } = {}) {
    const targets = alternates.map((count, i) => targetOf(count + 1, q[i] ?? 1000, isHop))
    this.context = createContext(isInvite, maxParallel, targets)
  }

  feed(...inputs: Input[]): string[] {
    const said: string[] = []
    for (const input of inputs) {
      const step = advance(this.context, input)
      this.context = step.context
      this.actions.push(...step.actions)
      said.push(...step.actions.map(describeAction))
    }
    return said
  }
}

function targetOf(ways: number, qThousandths = 1000, isHop = false): TargetShape {
  return { qThousandths, ways: Array.from({ length: ways }, () => ({ isHop })) }
}

function describeAction(action: Action): string {
  switch (action.kind) {
    case "send":
      return `send ${action.branch}`
    case "cancel":
      return `cancel ${action.branch} ${action.cause}`
    case "wait":
      return `wait for ${action.rank}`
    case "forward":
      return `forward ${action.response.status}`
    case "answer":
      return `answer ${action.best?.status ?? "nothing"}`
  }
}

const start: Input = { kind: "start" }
const cancel: Input = { kind: "cancel" }
const response = (branch: number, status: number): Input => ({ kind: "response", branch, response: { status } })
const failure = (branch: number, status = 480): Input => ({ kind: "failure", branch, response: { status } })
const silence = (branch: number): Input => ({ kind: "silence", branch })
const patience = (rank: number): Input => ({ kind: "patience", rank })
const redirecting = (branch: number): Input => ({ kind: "redirecting", branch })
const redirected = (branch: number, targets: readonly TargetShape[], status?: number): Input => {
  return { kind: "redirected", branch, targets, response: status === undefined ? undefined : { status } }
}

describe("an INVITE with one target", () => {
  it("passes provisional responses on, but not the 100, and then the 2xx", () => {
    const play = new Play([0])
    expect(play.feed(start)).toEqual(["send 0"])
    expect(play.feed(response(0, 100), response(0, 180), response(0, 183), response(0, 200))).toEqual(["forward 180", "forward 183", "forward 200"])
  })

  it("passes retransmitted 2xx on as well", () => {
    const play = new Play([0])
    expect(play.feed(start, response(0, 200), response(0, 200))).toEqual(["send 0", "forward 200", "forward 200"])
  })

  it("answers with its failure", () => {
    expect(new Play([0]).feed(start, response(0, 486))).toEqual(["send 0", "answer 486"])
    expect(new Play([0]).feed(start, failure(0, 408))).toEqual(["send 0", "answer 408"])
  })
})

describe("a fork", () => {
  it("cancels the others when one answers, and takes their late responses quietly", () => {
    const play = new Play([0, 0, 0])
    play.feed(start, response(0, 180), response(1, 180))
    expect(play.feed(response(1, 200))).toEqual(["forward 200", "cancel 0 answered", "cancel 2 answered"])
    expect(play.feed(response(0, 487), response(2, 180), response(2, 487))).toEqual([])
  })

  it("forwards the 2xx of every branch that wins the race with its CANCEL", () => {
    const play = new Play([0, 0])
    play.feed(start)
    expect(play.feed(response(0, 200), response(1, 200))).toEqual(["forward 200", "cancel 1 answered", "forward 200"])
  })

  it("waits for all before it answers with the best", () => {
    const play = new Play([0, 0, 0])
    play.feed(start)
    expect(play.feed(response(0, 486), response(2, 404))).toEqual([])
    expect(play.feed(response(1, 302))).toEqual(["answer 302"])
  })

  it("ends the search at a 6xx, which goes upstream when the others have ended", () => {
    const play = new Play([0, 0])
    play.feed(start, response(1, 180))
    expect(play.feed(response(0, 603))).toEqual(["cancel 1 declined"])
    expect(play.feed(response(1, 487))).toEqual(["answer 603"])
  })

  it("still forwards a 2xx that crosses the CANCEL after a 6xx", () => {
    const play = new Play([0, 0])
    play.feed(start, response(0, 603))
    expect(play.feed(response(1, 200))).toEqual(["forward 200"])
  })

  it("starts no more branches at a time than its breadth allows", () => {
    const play = new Play([0, 0, 0], { maxParallel: 2 })
    expect(play.feed(start)).toEqual(["send 0", "send 1"])
    expect(play.feed(response(0, 486))).toEqual(["send 2"])
    expect(play.feed(response(1, 486), response(2, 486))).toEqual(["answer 486"])
  })
})

describe("the client's CANCEL", () => {
  it("cancels what is under way and answers with what comes back", () => {
    const play = new Play([0, 0])
    play.feed(start, response(0, 180), response(1, 486))
    expect(play.feed(cancel)).toEqual(["cancel 0 cancelled"])
    expect(play.feed(response(0, 487))).toEqual(["answer 486"])
  })

  it("before the start leaves nothing to do but to answer", () => {
    const play = new Play([0])
    expect(play.feed(cancel, start)).toEqual(["answer nothing"])
  })

  it("after the answer changes nothing, and a second one neither", () => {
    expect(new Play([0]).feed(start, response(0, 200), cancel)).toEqual(["send 0", "forward 200"])
    expect(new Play([0]).feed(start, cancel, cancel)).toEqual(["send 0", "cancel 0 cancelled"])
  })

  it("that loses the race with a 2xx lets the 2xx through", () => {
    expect(new Play([0]).feed(start, cancel, response(0, 200))).toEqual(["send 0", "cancel 0 cancelled", "forward 200"])
  })
})

describe("an alternate way", () => {
  it("is tried when the first leads nowhere, or its peer says that the flow is gone", () => {
    expect(new Play([1]).feed(start, failure(0), response(1, 200))).toEqual(["send 0", "send 1", "forward 200"])
    expect(new Play([1]).feed(start, response(0, 430), response(1, 486))).toEqual(["send 0", "send 1", "answer 486"])
  })

  it("is not tried when the phone has answered, whatever it said, nor after a timeout", () => {
    expect(new Play([1]).feed(start, response(0, 486))).toEqual(["send 0", "answer 486"])
    expect(new Play([1]).feed(start, failure(0, 408))).toEqual(["send 0", "answer 408"])
  })

  it("is tried when nothing at all comes back; the first is not waited for, but its 2xx counts", () => {
    const play = new Play([1])
    expect(play.feed(start, silence(0))).toEqual(["send 0", "cancel 0 superseded", "send 1"])
    expect(play.feed(response(0, 180))).toEqual([])
    expect(play.feed(response(0, 200))).toEqual(["forward 200", "cancel 1 answered"])
    const other = new Play([1])
    expect(other.feed(start, silence(0), response(1, 486), failure(0, 408))).toEqual(["send 0", "cancel 0 superseded", "send 1", "answer 486"])
  })

  it("is not tried after any sign of life, nor after the client's CANCEL", () => {
    expect(new Play([1]).feed(start, response(0, 100), silence(0))).toEqual(["send 0"])
    expect(new Play([1]).feed(start, cancel, failure(0))).toEqual(["send 0", "cancel 0 cancelled", "answer 480"])
    expect(new Play([1]).feed(start, cancel, silence(0))).toEqual(["send 0", "cancel 0 cancelled"])
  })
})

describe("targets of different q", () => {
  it("are tried one rank after the other, whatever their order", () => {
    const play = new Play([0, 0, 0], { q: [500, 1000, 500] })
    expect(play.feed(start)).toEqual(["wait for 0", "send 1"])
    expect(play.feed(response(1, 486))).toEqual(["send 0", "send 2"])
    expect(play.feed(response(0, 404), response(2, 480))).toEqual(["answer 486"])
  })

  it("change when one rank has rung for long enough; who picks up in this moment is heard", () => {
    const play = new Play([0, 0], { q: [1000, 500] })
    play.feed(start, response(0, 180))
    expect(play.feed(patience(0))).toEqual(["cancel 0 superseded", "send 1"])
    expect(play.feed(patience(0), patience(1), response(0, 487))).toEqual([])
    expect(play.feed(response(0, 200))).toEqual(["forward 200", "cancel 1 answered"])
  })

  it("end the call only when who rang before them has ended too, as its 2xx may be on its way", () => {
    const inputs = [start, response(0, 180), patience(0), response(1, 486)]
    expect([[], [response(0, 487)]].map((more) => new Play([0, 0], { q: [1000, 500] }).feed(...inputs, ...more).at(-1))).toEqual(["send 1", "answer 486"])
  })

  it("are left alone after a 6xx, a CANCEL and an answer", () => {
    const q = [1000, 500]
    expect(new Play([0, 0], { q }).feed(start, response(0, 603))).toEqual(["wait for 0", "send 0", "answer 603"])
    expect(new Play([0, 0], { q }).feed(start, cancel, response(0, 487))).toEqual(["wait for 0", "send 0", "cancel 0 cancelled", "answer 487"])
    expect(new Play([0, 0], { q }).feed(start, response(0, 200), patience(0))).toEqual(["wait for 0", "send 0", "forward 200"])
  })
})

describe("one of several servers of a domain", () => {
  it("gives way to the next one when it has no time, says nothing, or cannot be reached", () => {
    const play = new Play([3], { isHop: true })
    expect(play.feed(start, response(0, 503), failure(1, 408), failure(2, 503))).toEqual(["send 0", "send 1", "send 2", "send 3"])
    expect(play.feed(response(3, 503))).toEqual(["answer 503"])
  })

  it("is believed when it says anything else", () => {
    expect(new Play([1], { isHop: true }).feed(start, response(0, 500))).toEqual(["send 0", "answer 500"])
  })
})

describe("a 3xx that is followed", () => {
  it("adds targets, and is forgotten", () => {
    const play = new Play([0])
    expect(play.feed(start, redirecting(0), redirected(0, [targetOf(1), targetOf(1)]))).toEqual(["send 0", "send 1", "send 2"])
    expect(play.feed(response(1, 486), response(2, 404))).toEqual(["answer 486"])
  })

  it("remains the answer as far as it was not followed", () => {
    const play = new Play([0])
    expect(play.feed(start, redirecting(0), redirected(0, [targetOf(1)], 302), response(1, 486))).toEqual(["send 0", "send 1", "answer 302"])
    expect(new Play([0]).feed(start, redirecting(0), redirected(0, [], 302))).toEqual(["send 0", "answer 302"])
  })

  it("comes before the targets of a lower q, in the order of its own", () => {
    const play = new Play([0, 0], { q: [1000, 100] })
    play.feed(start, redirecting(0))
    expect(play.feed(redirected(0, [targetOf(1, 700), targetOf(1, 300)]))).toEqual(["wait for 0", "send 2"])
    expect(play.feed(response(2, 486))).toEqual(["wait for 1", "send 3"])
    expect(play.feed(response(3, 486))).toEqual(["send 1"])
  })

  it("is not followed when the caller has hung up meanwhile", () => {
    expect(new Play([0]).feed(start, redirecting(0), cancel, redirected(0, [targetOf(1)], 302))).toEqual(["send 0", "answer 302"])
  })
})

describe("another request than INVITE", () => {
  it("has one final response and no provisional ones", () => {
    const play = new Play([0, 0], { isInvite: false })
    play.feed(start)
    expect(play.feed(response(0, 180), response(0, 200), response(1, 200))).toEqual(["forward 200", "cancel 1 answered"])
  })
})

describe("the best response", () => {
  it.each([
    [[404, 603, 200], 603],
    [[503, 486, 302], 302],
    [[486, 407, 404], 407],
    [[486, 484], 484],
    [[408, 486], 486],
    [[480, 487, 404], 404],
    [[503, 500], 500],
    [[486, 404], 486],
  ])("of %j is %i", (statuses, expected) => {
    expect(bestOf(statuses.map((status) => ({ status })))?.status).toBe(expected)
  })

  it("of none is none", () => {
    expect(bestOf([])).toBeUndefined()
  })
})

describe("whatever happens in whatever order", () => {
  const branch = fc.nat({ max: 5 })
  const status = fc.constantFrom(100, 180, 183, 200, 202, 302, 401, 404, 408, 430, 486, 487, 503, 600, 603)
  const input: fc.Arbitrary<Input> = fc.oneof(
    fc.record({ kind: fc.constant("response" as const), branch, response: fc.record({ status }) }),
    fc.record({ kind: fc.constant("failure" as const), branch, response: fc.record({ status: fc.constantFrom(408, 480) }) }),
    fc.record({ kind: fc.constant("silence" as const), branch }),
    fc.record({ kind: fc.constant("patience" as const), rank: fc.nat({ max: 3 }) }),
    fc.record({ kind: fc.constant("redirecting" as const), branch }),
    fc.record({
      kind: fc.constant("redirected" as const),
      branch,
      targets: fc.array(fc.record({ qThousandths: fc.constantFrom(1000, 500), ways: fc.constant([{ isHop: true }]) }), { maxLength: 2 }),
      response: fc.constantFrom(undefined, { status: 302 }),
    }),
    fc.constant(cancel),
  )
  const shape = fc.record({
    alternates: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 3 }),
    q: fc.array(fc.constantFrom(1000, 500, 0), { maxLength: 3 }),
    isHop: fc.boolean(),
    isInvite: fc.boolean(),
    maxParallel: fc.integer({ min: 1, max: 3 }),
    inputs: fc.array(input, { maxLength: 30 }),
  })

  interface Given {
    readonly alternates: number[]
    readonly q: number[]
    readonly isHop: boolean
    readonly isInvite: boolean
    readonly maxParallel: number
    readonly inputs: Input[]
  }

  function play({ alternates, inputs, ...rest }: Given): Play {
    const play = new Play(alternates, rest)
    play.feed(start, ...inputs)
    return play
  }

  it("each branch is sent at most once, and at most one answer goes upstream, never after a 2xx", () => {
    fc.assert(
      fc.property(shape, (given) => {
        const said = play(given).actions.map(describeAction)
        const sent = said.filter((text) => text.startsWith("send"))
        expect(new Set(sent).size).toBe(sent.length)
        const finals = said.filter((text) => /^(answer|forward 2)/.test(text))
        const answers = finals.filter((text) => text.startsWith("answer"))
        expect(answers.length).toBeLessThanOrEqual(1)
        if (answers.length > 0) expect(finals[0]).toBe(answers[0])
        if (!given.isInvite) expect(finals.length).toBeLessThanOrEqual(1)
      }),
    )
  })

  it("no more branches are under way than allowed", () => {
    fc.assert(
      fc.property(shape, (given) => {
        const { branches } = play(given).context
        expect(branches.filter(({ state }) => state === "trying" || state === "proceeding").length).toBeLessThanOrEqual(given.maxParallel)
      }),
    )
  })

  it("an answer comes once every branch has ended", () => {
    fc.assert(
      fc.property(shape, (given) => {
        const played = play(given)
        for (let round = 0; round < 100 && !played.context.isAnswered; round++) {
          for (const [number, { state }] of played.context.branches.entries()) {
            if (state === "redirecting") played.feed(redirected(number, []))
            if (state === "trying" || state === "proceeding" || state === "superseded") played.feed(response(number, 404))
          }
        }
        expect(played.context.isAnswered).toBe(true)
      }),
    )
  })
})
