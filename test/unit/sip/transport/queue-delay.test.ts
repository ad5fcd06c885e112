import { describe, expect, test } from "vitest"
import { QueueDelay } from "../../../../src/sip/transport/queue-delay.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"

const message = Buffer.from("OPTIONS sip:a SIP/2.0\r\n\r\n")

function makeQueue() {
  const runtime = new ManualRuntime()
  const sent: Buffer[] = []
  const queue = new QueueDelay(runtime, (probe) => sent.push(Buffer.from(probe)))
  const comeBack = (): boolean => queue.take(sent.shift() ?? message)
  return { runtime, sent, queue, comeBack }
}

describe("the delay of a queue", () => {
  test("is what a datagram to oneself has waited", () => {
    const { runtime, queue, comeBack } = makeQueue()
    expect(queue.take(message)).toBe(false)
    runtime.advance(30)
    expect(comeBack()).toBe(true)
    expect(queue.delayMs).toBe(30)
    expect(queue.losses).toBe(0)
  })

  test("is looked at while messages come, 20 ms apart at the least", () => {
    const { runtime, queue, sent } = makeQueue()
    for (let i = 0; i < 100; i++) {
      queue.take(message)
      runtime.advance(1)
    }
    expect(sent).toHaveLength(5)
    runtime.advance(10_000)
    expect(sent).toHaveLength(5)
  })

  test("counts as none where no probe has ever come back", () => {
    const { runtime, queue } = makeQueue()
    for (let i = 0; i < 100; i++) {
      queue.take(message)
      runtime.advance(100)
    }
    expect(queue.delayMs).toBe(0)
  })

  test("grows with the time that a probe is out, up to a second", () => {
    const { runtime, queue, comeBack } = makeQueue()
    queue.take(message)
    comeBack()
    runtime.advance(50)
    queue.take(message)
    runtime.advance(300)
    expect(queue.delayMs).toBe(300)
    runtime.advance(3000)
    expect(queue.delayMs).toBe(1000)
  })

  test("forgets a probe that was dropped once a later one is back", () => {
    const { runtime, queue, sent, comeBack } = makeQueue()
    queue.take(message)
    sent.shift()
    runtime.advance(25)
    queue.take(message)
    runtime.advance(5)
    comeBack()
    runtime.advance(400)
    expect(queue.delayMs).toBe(5)
    expect(queue.losses).toBe(1)
  })

  test("is not told by others: they do not know the token", () => {
    const { queue } = makeQueue()
    expect(queue.take(Buffer.alloc(16))).toBe(false)
    expect(queue.delayMs).toBe(0)
  })
})
