/** INVITE client transaction: RFC 3261 §17.1.1, with figure 5 of RFC 6026. */
import type { ClientActions, Machine } from "./machine.ts"

export type InviteClientState = "calling" | "proceeding" | "completed" | "accepted" | "terminated"

export type InviteClientInput =
  | "1xx"
  | "2xx"
  | "300-699"
  | "transportError"
  /** The user has cancelled, and a CANCEL has been sent. */
  | "cancelled"
  | "timerA"
  | "timerB"
  | "timerD"
  | "timerM"
  /** 64*T1 after the CANCEL (§9.1). */
  | "timerCancel"

type Self = ClientActions<InviteClientState>

/** Sends the INVITE and enters `calling`. */
export function startInviteClient(self: Self): void {
  self.enter("calling")
  if (!self.isReliable) self.startRetransmission("timerA", self.settings.t1Ms)
  self.startLifetime("timerB", self.settings.lifetimeMs)
  self.sendRequest()
}

export const inviteClient: Machine<InviteClientState, InviteClientInput, Self> = {
  calling(self, input) {
    switch (input) {
      case "timerA":
        // §17.1.1.2: the interval doubles each time, without a bound but timer B's.
        self.startRetransmission("timerA", 2 * self.retransmitMs)
        return self.sendRequest()
      case "timerB":
        self.enter("terminated")
        return self.reportTimeout()
      default:
        return responseBeforeFinal(self, input)
    }
  },

  proceeding(self, input) {
    switch (input) {
      case "cancelled":
        return self.startLifetime("timerCancel", self.settings.lifetimeMs)
      case "timerCancel":
        // §9.1: no final response in 64*T1 after the CANCEL: consider the transaction cancelled.
        self.enter("terminated")
        return self.reportTimeout()
      default:
        return responseBeforeFinal(self, input)
    }
  },

  completed(self, input) {
    switch (input) {
      case "300-699":
        // A retransmission, or another branch's answer: ACK it, and keep it from the user.
        return self.sendAck()
      case "timerD":
        return self.enter("terminated")
      case "transportError":
        // The user has the final response already: what becomes of an ACK is no news to it.
        return self.enter("terminated")
    }
  },

  accepted(self, input) {
    switch (input) {
      case "2xx":
        // RFC 6026 §7.2: retransmissions and other forks' 2xx go up; the user sends the ACKs.
        return self.passResponse()
      case "timerM":
        return self.enter("terminated")
    }
  },
}

/** What `calling` and `proceeding` do alike. */
function responseBeforeFinal(self: Self, input: InviteClientInput): void {
  switch (input) {
    case "1xx":
      if (self.state === "calling") {
        self.stopRetransmission()
        self.stopLifetime()
        self.enter("proceeding")
      }
      return self.passResponse()
    case "2xx":
      self.stopRetransmission()
      self.startLinger("timerM", self.settings.lifetimeMs)
      self.enter("accepted")
      return self.passResponse()
    case "300-699":
      self.stopRetransmission()
      self.sendAck()
      // Timer D is zero on a stream.
      if (self.isReliable) self.enter("terminated")
      else {
        self.startLinger("timerD", self.settings.timerDMs)
        self.enter("completed")
      }
      return self.passResponse()
    case "transportError":
      self.enter("terminated")
      return self.reportTransportError()
  }
}
