import fc from "fast-check"
import { expect, test } from "vitest"
import { ListedTimer, TimerLists } from "../../../../src/sip/transaction/timer-lists.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"

const delays = [500, 1000, 4000, 32_000]

test("timers fire exactly at their deadlines, as if each had a timer of its own", () => {
  const action = fc.record({
    timer: fc.nat({ max: 5 }),
    delayMs: fc.option(fc.constantFrom(...delays), { nil: undefined }),
    thenWaitMs: fc.constantFrom(0, 1, 499, 500, 3500, 40_000),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const runtime = new ManualRuntime()
      const lists = new TimerLists(runtime)
      const fired: string[] = []
      const timers = Array.from({ length: 6 }, (_, i) => new ListedTimer({ onTimer: (which) => fired.push(`${i} ${which} ${runtime.now()}`) }))
      const expected: string[] = []
      const deadlines = new Map<number, number>()
      for (const { timer, delayMs, thenWaitMs } of actions) {
        const listed = timers[timer] as ListedTimer
        if (delayMs === undefined) {
          lists.cancel(listed)
          deadlines.delete(timer)
        } else {
          lists.start(listed, `t${delayMs}`, delayMs)
          deadlines.set(timer, runtime.now() + delayMs)
        }
        expect(lists.size).toBe(deadlines.size)
        runtime.advance(thenWaitMs)
        for (const [name, deadline] of deadlines) {
          if (deadline > runtime.now()) continue
          expected.push(`${name} ${(timers[name] as ListedTimer).which} ${deadline}`)
          deadlines.delete(name)
        }
      }
      expect(fired.sort()).toEqual(expected.sort())
      lists.stop()
      expect(lists.size).toBe(0)
      expect(runtime.timersPending).toBe(0)
    }),
  )
})

test("a timer may be started anew from its own callback", () => {
  const runtime = new ManualRuntime()
  const lists = new TimerLists(runtime)
  const at: number[] = []
  const timer: ListedTimer = new ListedTimer({
    onTimer: () => {
      at.push(runtime.now())
      if (at.length < 3) lists.start(timer, "again", 500 * 2 ** at.length)
    },
  })
  lists.start(timer, "first", 500)
  runtime.runAll()
  expect(at).toEqual([500, 1500, 3500])
})

test("patient timers fire together, up to a tenth of a second late, and with others that are due", () => {
  const runtime = new ManualRuntime()
  const lists = new TimerLists(runtime)
  const fired: string[] = []
  const start = (name: string, delayMs: number, how: "start" | "startPatiently"): void => {
    lists[how](new ListedTimer({ onTimer: (which) => fired.push(`${which} ${runtime.now()}`) }), name, delayMs)
  }
  for (let i = 0; i < 5; i++) {
    start(`patient${i}`, 5000, "startPatiently")
    runtime.advance(40)
  }
  start("exact", 4970, "start")
  runtime.runAll()
  const atFirst = ["patient0 5100", "patient1 5100", "patient2 5100"]
  expect(fired).toEqual([...atFirst, "patient3 5170", "patient4 5170", "exact 5170"])
})
