import type { Timer } from "../../runtime/runtime.ts"
import { createResponse } from "../message/index.ts"
import type { ServerTransaction } from "../transaction/index.ts"
import type { AgentCore } from "./core.ts"

const t1Ms = 500
const t2Ms = 4000

/** Answers an INVITE with 200, again and again until its ACK comes (RFC 3261 §13.3.1.4); `onNoAck` when none came for 64*T1. */
export function sendAnswer(core: AgentCore, server: ServerTransaction, toTag: string | undefined, onNoAck: () => void): void {
  const { request } = server
  const headers = core.sessionHeaders(request.uri)
  const response = createResponse(request, 200, undefined, { toTag, headers, body: core.session(), withRecordRoute: true })
  const deadline = core.runtime.now() + 64 * t1Ms
  let delayMs = t1Ms
  let timer: Timer | undefined
  const wait = (): void => {
    timer = core.runtime.setTimer(Math.min(delayMs, deadline - core.runtime.now()), () => {
      if (core.runtime.now() >= deadline) return onNoAck()
      server.respond(response)
      delayMs = Math.min(2 * delayMs, t2Ms)
      wait()
    })
  }
  wait()
  core.awaitAck(request.callId, () => timer?.cancel())
  server.respond(response)
}
