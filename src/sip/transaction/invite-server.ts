/** INVITE server transaction: RFC 3261 §17.2.1, with figure 7 of RFC 6026. */
import type { Machine, ServerActions } from "./machine.ts"

export type InviteServerState = "proceeding" | "completed" | "confirmed" | "accepted" | "terminated"

export type InviteServerInput =
  /** The same INVITE once more. */
  | "retransmission"
  | "ack"
  /** From the user. */
  | "1xx"
  | "2xx"
  | "300-699"
  | "timerTrying"
  | "timerG"
  | "timerH"
  | "timerI"
  | "timerL"

type Self = ServerActions<InviteServerState>

/** Enters `proceeding`. */
export function startInviteServer(self: Self): void {
  self.enter("proceeding")
  self.startRetransmission("timerTrying", self.settings.tryingDelayMs)
}

export const inviteServer: Machine<InviteServerState, InviteServerInput, Self> = {
  proceeding(self, input) {
    switch (input) {
      case "retransmission":
        return self.resend()
      case "timerTrying":
        // §17.2.1: a 100 unless the user answers within 200 ms.
        return self.sendTrying()
      case "1xx":
        self.stopRetransmission()
        return self.sendResponse()
      case "2xx":
        // RFC 6026 §7.1: whoever accepted the INVITE retransmits the 2xx; this transaction only absorbs more INVITEs.
        self.stopRetransmission()
        self.startLinger("timerL", self.settings.lifetimeMs)
        self.enter("accepted")
        return self.sendResponse()
      case "300-699":
        self.stopRetransmission()
        // A refusal before anything else is sent once for each INVITE: who has heard nothing repeats it (timer A), and whoever
        // gave another's address as the source must not have it sent seven more (§26.3.2.4).
        if (!self.isReliable && self.hasResponded) self.startRetransmission("timerG", self.settings.t1Ms)
        self.startLifetime("timerH", self.settings.lifetimeMs)
        self.enter("completed")
        return self.sendResponse()
    }
  },

  completed(self, input) {
    switch (input) {
      case "retransmission":
        return self.resend()
      case "timerG":
        self.startRetransmission("timerG", Math.min(2 * self.retransmitMs, self.settings.t2Ms))
        return self.resend()
      case "ack":
        self.stopRetransmission()
        // Timer I is zero on a stream.
        if (self.isReliable) return self.enter("terminated")
        self.startLinger("timerI", self.settings.t4Ms)
        return self.enter("confirmed")
      case "timerH":
        // The ACK never came; the user learns it by the end of the transaction.
        return self.enter("terminated")
    }
  },

  confirmed(self, input) {
    // More ACKs, and late INVITEs, are absorbed until timer I.
    if (input === "timerI") self.enter("terminated")
  },

  accepted(self, input) {
    switch (input) {
      case "2xx":
        // A retransmission, or another fork's.
        return self.sendResponse()
      case "ack":
        return self.passAck()
      case "timerL":
        return self.enter("terminated")
    }
  },
}
