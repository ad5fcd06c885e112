/** What a phone's transaction layer does and its user never sees. */
import { SipRequest, SipResponse, type SipMessage } from "../../src/sip/message/index.ts"

/** Sends ACKs for refusals, takes those for its own, and knows retransmissions. */
export class Acknowledgements {
  /** INVITEs of this phone, by branch. */
  readonly #sent = new Map<string, SipRequest>()
  /** Branches of INVITEs that this phone has refused; the value tells whether the ACK has come. */
  readonly #refused = new Map<string, boolean>()
  readonly #seen = new Set<string>()

  /** INVITEs that were refused and never acknowledged. */
  get missing(): number {
    return [...this.#refused.values()].filter((isAcknowledged) => !isAcknowledged).length
  }

  noteSent(message: SipMessage): void {
    const branch = message.via?.branch ?? ""
    if (message.cseq.method !== "INVITE") return
    if (message instanceof SipRequest) this.#sent.set(branch, message)
    else if (message instanceof SipResponse && message.status >= 300) this.#refused.set(branch, false)
  }

  /** The ACK that is due at once; `absorbed` where the user need not see the message. */
  judge(message: SipMessage): { readonly ack?: SipRequest; readonly isAbsorbed: boolean } {
    const branch = message.via?.branch ?? ""
    if (message instanceof SipRequest) {
      if (message.method === "ACK" && this.#refused.has(branch)) {
        this.#refused.set(branch, true)
        return { isAbsorbed: true }
      }
      return { isAbsorbed: this.#isRepeated(`${message.method} ${branch}`) }
    }
    if (!(message instanceof SipResponse)) return { isAbsorbed: false }
    const invite = message.cseq.method === "INVITE" ? this.#sent.get(branch) : undefined
    if (invite === undefined || message.status < 300) return { isAbsorbed: message.status === 100 }
    return { ack: ackOf(invite, message), isAbsorbed: this.#isRepeated(`refusal ${branch}`) }
  }

  #isRepeated(name: string): boolean {
    if (this.#seen.has(name)) return true
    this.#seen.add(name)
    return false
  }
}

/** RFC 3261 §17.1.1.3. */
function ackOf(invite: SipRequest, response: SipResponse): SipRequest {
  const ack = derived(invite, "ACK")
  ack.headers.set("To", response.headers.get("To") ?? "")
  return ack
}

/** A CANCEL, or the ACK for a refusal: same Request-URI, Via, Route and number as the INVITE (§9.1, §17.1.1.3). */
export function derived(invite: SipRequest, method: "ACK" | "CANCEL"): SipRequest {
  const kept = new Set(["Via", "Route", "From", "To", "Call-ID", "Max-Forwards"])
  const headers = [...invite.headers].filter(([name]) => kept.has(name))
  return SipRequest.create(method, invite.uri, [...headers, ["CSeq", `${invite.cseq.number} ${method}`]])
}
