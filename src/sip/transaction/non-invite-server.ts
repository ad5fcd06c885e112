/** Non-INVITE server transaction: RFC 3261 §17.2.2, figure 8, with the actions of RFC 4320. */
import type { Machine, ServerActions } from "./machine.ts"

export type NonInviteServerState = "trying" | "proceeding" | "completed" | "terminated"

export type NonInviteServerInput =
  /** The same request once more. */
  | "retransmission"
  /** From the user. */
  | "1xx"
  | "200-699"
  | "timerTrying"
  | "timerExpired"
  | "timerJ"

type Self = ServerActions<NonInviteServerState>

/** Enters `trying`. */
export function startNonInviteServer(self: Self): void {
  self.enter("trying")
  self.startRetransmission("timerTrying", self.settings.nonInviteTryingDelayMs)
  // RFC 4320 §4.2: what cannot be answered before the client gives up (its timer F) is not answered at all.
  self.startLifetime("timerExpired", self.settings.lifetimeMs)
}

export const nonInviteServer: Machine<NonInviteServerState, NonInviteServerInput, Self> = {
  trying(self, input) {
    switch (input) {
      case "timerTrying":
        // RFC 4320 §4.1: a 100 is due, and not earlier on an unreliable transport, when the client's timer E has come to T2.
        return self.sendTrying()
      case "1xx":
        self.stopRetransmission()
        self.enter("proceeding")
        return self.sendResponse()
      default:
        return endOfWork(self, input)
    }
  },

  proceeding(self, input) {
    switch (input) {
      case "retransmission":
        return self.resend()
      case "1xx":
        return self.sendResponse()
      default:
        return endOfWork(self, input)
    }
  },

  completed(self, input) {
    switch (input) {
      case "retransmission":
        return self.resend()
      case "timerJ":
        return self.enter("terminated")
    }
  },
}

/** What `trying` and `proceeding` do alike. */
function endOfWork(self: Self, input: NonInviteServerInput): void {
  switch (input) {
    case "200-699":
      self.stopRetransmission()
      if (!self.isReliable) {
        self.startLinger("timerJ", self.settings.lifetimeMs)
        self.enter("completed")
        return self.sendResponse()
      }
      // Timer J is zero on a stream.
      self.sendResponse()
      return self.enter("terminated")
    case "timerExpired":
      return self.enter("terminated")
  }
}
