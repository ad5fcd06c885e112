/** Non-INVITE client transaction: RFC 3261 §17.1.2, figure 6. */
import type { ClientActions, Machine } from "./machine.ts"

export type NonInviteClientState = "trying" | "proceeding" | "completed" | "terminated"

export type NonInviteClientInput = "1xx" | "200-699" | "transportError" | "timerE" | "timerF" | "timerK"

type Self = ClientActions<NonInviteClientState>

/** Sends the request and enters `trying`. */
export function startNonInviteClient(self: Self): void {
  self.enter("trying")
  if (!self.isReliable) self.startRetransmission("timerE", self.settings.t1Ms)
  self.startLifetime("timerF", self.settings.lifetimeMs)
  self.sendRequest()
}

export const nonInviteClient: Machine<NonInviteClientState, NonInviteClientInput, Self> = {
  trying(self, input) {
    switch (input) {
      case "timerE":
        // §17.1.2.2: T1, 2*T1, 4*T1 … up to T2.
        self.startRetransmission("timerE", Math.min(2 * self.retransmitMs, self.settings.t2Ms))
        return self.sendRequest()
      case "1xx":
        self.enter("proceeding")
        return self.passResponse()
      default:
        return endOfWaiting(self, input)
    }
  },

  proceeding(self, input) {
    switch (input) {
      case "timerE":
        // §17.1.2.2: every T2, now that the server is known to have the request.
        self.startRetransmission("timerE", self.settings.t2Ms)
        return self.sendRequest()
      case "1xx":
        return self.passResponse()
      default:
        return endOfWaiting(self, input)
    }
  },

  completed(self, input) {
    // Retransmitted responses are absorbed until timer K.
    if (input === "timerK") self.enter("terminated")
  },
}

/** What `trying` and `proceeding` do alike. */
function endOfWaiting(self: Self, input: NonInviteClientInput): void {
  switch (input) {
    case "200-699":
      self.stopRetransmission()
      // Timer K is zero on a stream.
      if (self.isReliable) self.enter("terminated")
      else {
        self.startLinger("timerK", self.settings.t4Ms)
        self.enter("completed")
      }
      return self.passResponse()
    case "timerF":
      self.enter("terminated")
      return self.reportTimeout()
    case "transportError":
      self.enter("terminated")
      return self.reportTransportError()
  }
}
