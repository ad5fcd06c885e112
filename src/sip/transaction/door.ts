/**
 * Turns new requests away when there is more to do than can be done, most of
 * them before they are parsed: what is spent on refusals is lost to those who
 * are let in.
 */
import type { SipRequest } from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import type { AdmissionControl } from "./admission.ts"
import type { LayerCounters } from "./counters.ts"
import { plainServerKey } from "./keys.ts"
import { readPlainHead, type PlainHead } from "./plain-head.ts"
import type { StatelessAnswers } from "./stateless.ts"

export interface DoorComponents {
  readonly admission: AdmissionControl
  readonly answers: StatelessAnswers
  readonly counters: LayerCounters
  /** Gives a retransmission to the server transaction of that key; false where there is none. */
  readonly repeat: (key: string) => boolean
  /** The least that a Retry-After says. */
  readonly retryAfterSeconds: number
}

/**
 * What is known of a message before it is parsed: `done` needs nothing more;
 * of `admitted` and `refused` the lot has been drawn, and is not drawn again.
 */
export type Verdict = "done" | "admitted" | "refused" | "open"

/** See the head of this file. */
export class Door {
  readonly #components: DoorComponents

  constructor(components: DoorComponents) {
    this.#components = components
  }

  /** Looks at the bytes of a message. */
  judge(bytes: Uint8Array, flow: Flow): Verdict {
    const { admission, answers, counters, repeat } = this.#components
    if (admission.probability === 0) return "open"
    if (answers.isAckOfTurnedAway(bytes)) {
      counters.request("ACK")
      return "done"
    }
    const head = flow.transport.protocol === "UDP" ? readPlainHead(bytes) : undefined
    if (head === undefined) return isRegister(bytes) ? this.#draw(flow, "REGISTER") : "open"
    if (repeat(plainServerKey(head))) {
      counters.request(head.method)
      return "done"
    }
    const verdict = this.#draw(flow, head.method)
    if (verdict === "admitted") return verdict
    this.#turnAway(head, flow)
    return "done"
  }

  /** Looks at a new request that has been parsed; true where it has been answered. */
  turnsAway(request: SipRequest, flow: Flow, verdict: Verdict): boolean {
    const { admission, answers, counters, retryAfterSeconds } = this.#components
    const isToBeDrawn = verdict === "open" && admission.probability > 0 && !mayHaveToTag(request)
    if ((isToBeDrawn ? this.#draw(flow, request.method) : verdict) !== "refused") return false
    counters.refused(503)
    answers.turnAway(request, flow, retryAfterSeconds)
    return true
  }

  #turnAway(head: PlainHead, flow: Flow): void {
    const { answers, counters, retryAfterSeconds } = this.#components
    counters.request(head.method)
    counters.refused(503)
    answers.turnAwayUnparsed(head, flow, retryAfterSeconds)
  }

  /** Of a request that belongs to no dialog. Another peer has let in already what it passes on. */
  #draw({ transport }: Flow, method: string): "admitted" | "refused" {
    return transport.protocol !== "P2P" && this.#components.admission.refuses(method) ? "refused" : "admitted"
  }
}

const registerStart = Buffer.from("REGISTER ", "latin1")

function isRegister(bytes: Uint8Array): boolean {
  return registerStart.every((code, index) => bytes[index] === code)
}

/** Without parsing: a request that lies about this is let in, and pays for its parsing. */
function mayHaveToTag(request: SipRequest): boolean {
  return /;\s*tag\s*=/i.test(request.headers.get("To") ?? "")
}
