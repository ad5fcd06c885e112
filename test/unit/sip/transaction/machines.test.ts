import { describe, expect, test } from "vitest"
import { inviteClient, startInviteClient } from "../../../../src/sip/transaction/invite-client.ts"
import { inviteServer, startInviteServer } from "../../../../src/sip/transaction/invite-server.ts"
import type { ClientActions, Machine, ServerActions } from "../../../../src/sip/transaction/machine.ts"
import { nonInviteClient, startNonInviteClient } from "../../../../src/sip/transaction/non-invite-client.ts"
import { nonInviteServer, startNonInviteServer } from "../../../../src/sip/transaction/non-invite-server.ts"
import { transactionSettings } from "../../../../src/sip/transaction/options.ts"

/** A transaction that only writes down what its machine does. */
class Recorder<State extends string> implements ClientActions<State>, ServerActions<State> {
  readonly settings = transactionSettings({})
  readonly isReliable: boolean
  readonly actions: string[] = []
  state: State
  retransmitMs = 500
  hasResponded = true

  constructor(state: State, isReliable: boolean) {
    this.state = state
    this.isReliable = isReliable
  }

  enter(state: State): void {
    this.state = state
  }
  startRetransmission(name: string, delayMs: number): void {
    this.retransmitMs = delayMs
    this.actions.push(`${name} ${delayMs}`)
  }
  stopRetransmission(): void {
    this.actions.push("stop retransmission")
  }
  startLifetime(name: string, delayMs: number): void {
    this.actions.push(`${name} ${delayMs}`)
  }
  startLinger(name: string, delayMs: number): void {
    this.actions.push(`${name} ${delayMs}`)
  }
  stopLifetime(): void {
    this.actions.push("stop lifetime")
  }
  sendRequest = (): void => void this.actions.push("send request")
  sendAck = (): void => void this.actions.push("send ACK")
  passResponse = (): void => void this.actions.push("response to user")
  reportTimeout = (): void => void this.actions.push("timeout to user")
  reportTransportError = (): void => void this.actions.push("transport error to user")
  sendResponse = (): void => void this.actions.push("send response")
  resend = (): void => void this.actions.push("resend")
  sendTrying = (): void => void this.actions.push("send 100")
  passAck = (): void => void this.actions.push("ACK to user")
}

/** One row: state and input, then the state afterwards and what is done, over UDP; and over TCP where that differs. */
type Row = readonly [state: string, input: string, after: string, actions: string, reliable?: readonly [after: string, actions: string]]

function check<State extends string, Input extends string>(
  machine: Machine<State, Input, Recorder<State>>,
  inputs: readonly Input[],
  rows: readonly Row[],
): void {
  const states = Object.keys(machine) as Exclude<State, "terminated">[]
  for (const isReliable of [false, true]) {
    describe(isReliable ? "over TCP" : "over UDP", () => {
      for (const state of states) {
        for (const input of inputs) {
          const row = rows.find(([from, what]) => from === state && what === input)
          const [after, actions] = (isReliable ? row?.[4] : undefined) ?? [row?.[2] ?? state, row?.[3] ?? ""]
          test(`${state}: ${input} → ${after}${actions === "" ? "" : `, ${actions}`}`, () => {
            const recorder = new Recorder<State>(state, isReliable)
            machine[state](recorder, input)
            expect([recorder.state, recorder.actions.join(", ")]).toEqual([after, actions])
          })
        }
      }
    })
  }
  test("every row is of a state and an input that exist", () => {
    for (const [state, input] of rows) {
      expect(states).toContain(state)
      expect(inputs).toContain(input)
    }
  })
}

/** What a transaction does first. */
function begin<State extends string>(state: State, isReliable: boolean, start: (self: Recorder<State>) => void) {
  const recorder = new Recorder<State>(state, isReliable)
  start(recorder)
  return [recorder.state, recorder.actions.join(", ")]
}

describe("INVITE client", () => {
  test("begins", () => {
    expect(begin("calling", false, startInviteClient)).toEqual(["calling", "timerA 500, timerB 32000, send request"])
    expect(begin("calling", true, startInviteClient)).toEqual(["calling", "timerB 32000, send request"])
  })
  check(
    inviteClient,
    ["1xx", "2xx", "300-699", "transportError", "cancelled", "timerA", "timerB", "timerD", "timerM", "timerCancel"],
    [
      ["calling", "timerA", "calling", "timerA 1000, send request"],
      ["calling", "timerB", "terminated", "timeout to user"],
      ["calling", "1xx", "proceeding", "stop retransmission, stop lifetime, response to user"],
      ["calling", "2xx", "accepted", "stop retransmission, timerM 32000, response to user"],
      [
        "calling",
        "300-699",
        "completed",
        "stop retransmission, send ACK, timerD 32000, response to user",
        ["terminated", "stop retransmission, send ACK, response to user"],
      ],
      ["calling", "transportError", "terminated", "transport error to user"],
      ["proceeding", "1xx", "proceeding", "response to user"],
      ["proceeding", "2xx", "accepted", "stop retransmission, timerM 32000, response to user"],
      [
        "proceeding",
        "300-699",
        "completed",
        "stop retransmission, send ACK, timerD 32000, response to user",
        ["terminated", "stop retransmission, send ACK, response to user"],
      ],
      ["proceeding", "transportError", "terminated", "transport error to user"],
      ["proceeding", "cancelled", "proceeding", "timerCancel 32000"],
      ["proceeding", "timerCancel", "terminated", "timeout to user"],
      ["completed", "300-699", "completed", "send ACK"],
      ["completed", "timerD", "terminated", ""],
      ["completed", "transportError", "terminated", ""],
      ["accepted", "2xx", "accepted", "response to user"],
      ["accepted", "timerM", "terminated", ""],
    ],
  )
})

describe("non-INVITE client", () => {
  test("begins", () => {
    expect(begin("trying", false, startNonInviteClient)).toEqual(["trying", "timerE 500, timerF 32000, send request"])
    expect(begin("trying", true, startNonInviteClient)).toEqual(["trying", "timerF 32000, send request"])
  })
  check(
    nonInviteClient,
    ["1xx", "200-699", "transportError", "timerE", "timerF", "timerK"],
    [
      ["trying", "timerE", "trying", "timerE 1000, send request"],
      ["trying", "timerF", "terminated", "timeout to user"],
      ["trying", "1xx", "proceeding", "response to user"],
      [
        "trying",
        "200-699",
        "completed",
        "stop retransmission, timerK 5000, response to user",
        ["terminated", "stop retransmission, response to user"],
      ],
      ["trying", "transportError", "terminated", "transport error to user"],
      ["proceeding", "timerE", "proceeding", "timerE 4000, send request"],
      ["proceeding", "timerF", "terminated", "timeout to user"],
      ["proceeding", "1xx", "proceeding", "response to user"],
      [
        "proceeding",
        "200-699",
        "completed",
        "stop retransmission, timerK 5000, response to user",
        ["terminated", "stop retransmission, response to user"],
      ],
      ["proceeding", "transportError", "terminated", "transport error to user"],
      ["completed", "timerK", "terminated", ""],
    ],
  )
})

describe("INVITE server", () => {
  test("begins", () => {
    expect(begin("proceeding", false, startInviteServer)).toEqual(["proceeding", "timerTrying 200"])
  })
  check(
    inviteServer,
    ["retransmission", "ack", "1xx", "2xx", "300-699", "timerTrying", "timerG", "timerH", "timerI", "timerL"],
    [
      ["proceeding", "retransmission", "proceeding", "resend"],
      ["proceeding", "timerTrying", "proceeding", "send 100"],
      ["proceeding", "1xx", "proceeding", "stop retransmission, send response"],
      ["proceeding", "2xx", "accepted", "stop retransmission, timerL 32000, send response"],
      [
        "proceeding",
        "300-699",
        "completed",
        "stop retransmission, timerG 500, timerH 32000, send response",
        ["completed", "stop retransmission, timerH 32000, send response"],
      ],
      ["completed", "retransmission", "completed", "resend"],
      ["completed", "timerG", "completed", "timerG 1000, resend"],
      ["completed", "ack", "confirmed", "stop retransmission, timerI 5000", ["terminated", "stop retransmission"]],
      ["completed", "timerH", "terminated", ""],
      ["confirmed", "timerI", "terminated", ""],
      ["accepted", "2xx", "accepted", "send response"],
      ["accepted", "ack", "accepted", "ACK to user"],
      ["accepted", "timerL", "terminated", ""],
    ],
  )
})

describe("non-INVITE server", () => {
  test("begins", () => {
    expect(begin("trying", false, startNonInviteServer)).toEqual(["trying", "timerTrying 3500, timerExpired 32000"])
  })
  check(
    nonInviteServer,
    ["retransmission", "1xx", "200-699", "timerTrying", "timerExpired", "timerJ"],
    [
      ["trying", "timerTrying", "trying", "send 100"],
      ["trying", "1xx", "proceeding", "stop retransmission, send response"],
      [
        "trying",
        "200-699",
        "completed",
        "stop retransmission, timerJ 32000, send response",
        ["terminated", "stop retransmission, send response"],
      ],
      ["trying", "timerExpired", "terminated", ""],
      ["proceeding", "retransmission", "proceeding", "resend"],
      ["proceeding", "1xx", "proceeding", "send response"],
      [
        "proceeding",
        "200-699",
        "completed",
        "stop retransmission, timerJ 32000, send response",
        ["terminated", "stop retransmission, send response"],
      ],
      ["proceeding", "timerExpired", "terminated", ""],
      ["completed", "retransmission", "completed", "resend"],
      ["completed", "timerJ", "terminated", ""],
    ],
  )
})
