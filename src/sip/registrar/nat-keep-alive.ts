/**
 * Keeps the way open to phones behind NAT that do not do so themselves.
 *
 * A NAT forgets a datagram's way within half a minute or so, a registration
 * lives for an hour. So the peer that holds a phone's flow, and no other, asks
 * it for OPTIONS now and then: the answer goes out through the NAT, which is
 * what makes every NAT remember (RFC 4787 §4.3). Nothing is kept of a question
 * but that it has not been answered, and whoever is silent three times is left
 * alone until it registers again: an address that somebody has made up is not
 * bothered for long.
 */
import type { Counter, Runtime, Timer } from "../../runtime/runtime.ts"
import { SipRequest, SipResponse, type SipMessage } from "../message/index.ts"
import { formatHostPort } from "../transport/host-port.ts"
import type { Flow } from "../transport/transport.ts"
import type { BindingChange } from "./location-service.ts"
import type { OutboundUse } from "./outbound.ts"

/** What one REGISTER has done, for those who care for the phone's flow. */
export interface Registration {
  readonly addressOfRecord: string
  readonly flow: Flow
  /** Of its topmost Via: where the phone believes to be. */
  readonly sentBy: string
  /** Its Contact; undefined where it has taken its bindings away, or keeps its way open itself. */
  readonly contact: string | undefined
  readonly expiresSeconds: number
}

/** What it is built on. */
export interface NatKeepAliveComponents {
  readonly runtime: Runtime
  /** Sends a request without a transaction. */
  readonly send: (request: SipRequest, flow: Flow) => void
}

/** What a user may choose about it. */
export interface NatKeepAliveOptions {
  /** How often a phone is asked; 0 for never. @default 25 */
  readonly intervalSeconds?: number
  /** Phones at a time; more have to look after themselves. @default 100000 */
  readonly maxPhones?: number
}

interface Phone {
  readonly flow: Flow
  contact: string
  /** Until when each address-of-record is bound there, of the first so many. */
  readonly users: Map<string, number>
  dueAt: number
  unanswered: number
  cseq: number
}

const turnMs = 1000
const maxUnanswered = 3
/** Of one flow. More of them hang on those: the way is the same for all. */
const maxUsers = 64
/** So many at once are no load. */
const fewPhones = 10

/** See the head of this file. */
export class NatKeepAlive {
  readonly #runtime: Runtime
  readonly #send: NatKeepAliveComponents["send"]
  readonly #intervalMs: number
  readonly #maxPhones: number
  /** By flow; who is due first comes first. */
  readonly #phones = new Map<string, Phone>()
  /** Of all Call-IDs: nobody else can answer in a phone's name. */
  readonly #name: string
  readonly #sent: Counter
  #timer: Timer | undefined
  #isStopped = false

  constructor({ runtime, send }: NatKeepAliveComponents, options: NatKeepAliveOptions = {}) {
    this.#runtime = runtime
    this.#send = send
    this.#intervalMs = (options.intervalSeconds ?? 25) * 1000
    this.#maxPhones = options.maxPhones ?? 100_000
    this.#name = Buffer.from(runtime.random.bytes(12)).toString("hex")
    this.#sent = runtime.metrics.counter("p2psip_nat_keepalives_total", "Phones behind NAT that were asked whether they are there")
    runtime.metrics.gauge("p2psip_nat_phones", "Phones behind NAT whose way is kept open", () => this.#phones.size)
  }

  /** A phone has registered, or no longer wants to be. */
  note({ addressOfRecord, flow, sentBy, contact, expiresSeconds }: Registration): void {
    if (this.#isStopped || this.#intervalMs === 0 || flow.transport.protocol !== "UDP") return
    const known = this.#phones.get(flow.key)
    if (contact === undefined) {
      known?.users.delete(addressOfRecord)
      return
    }
    if (!isBehindNat(flow, sentBy) || (known === undefined && this.#phones.size >= this.#maxPhones)) return
    const until = this.#runtime.now() + expiresSeconds * 1000
    const phone = known ?? { flow, contact, users: new Map(), dueAt: this.#runtime.now() + this.#intervalMs, unanswered: 0, cseq: 0 }
    phone.contact = contact
    phone.unanswered = 0
    if (phone.users.size < maxUsers || phone.users.has(addressOfRecord)) phone.users.set(addressOfRecord, until)
    if (known === undefined) this.#phones.set(flow.key, phone)
    this.#timer ??= this.#runtime.setTimer(turnMs, () => this.#turn())
  }

  /** Takes an answer to one of these requests; false for anything else. */
  takes(message: SipMessage, flow: Flow): boolean {
    if (!(message instanceof SipResponse) || message.headers.get("Call-ID")?.startsWith(this.#name) !== true) return false
    const phone = this.#phones.get(flow.key)
    if (phone !== undefined) phone.unanswered = 0
    return true
  }

  /** For good: REGISTERs that are still under way change nothing. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#phones.clear()
  }

  /** All that are due; of those that came all at once only as many as keep the load even. */
  #turn(): void {
    const now = this.#runtime.now()
    let left = fewPhones + Math.ceil((this.#phones.size * turnMs * 2) / this.#intervalMs)
    for (const [key, phone] of this.#phones) {
      if (phone.dueAt > now || left === 0) break
      left--
      this.#phones.delete(key)
      if (!isWanted(phone, now)) continue
      phone.dueAt = now + this.#intervalMs
      phone.unanswered++
      this.#phones.set(key, phone)
      this.#ask(phone)
    }
    this.#timer = this.#phones.size === 0 ? undefined : this.#runtime.setTimer(turnMs, () => this.#turn())
  }

  #ask(phone: Phone): void {
    const { flow, contact } = phone
    const us = formatHostPort(flow.transport.advertised)
    const request = SipRequest.create("OPTIONS", contact, [
      ["Max-Forwards", "1"],
      ["From", `<sip:${us}>;tag=${this.#name}`],
      ["To", `<${contact}>`],
      ["Call-ID", `${this.#name}-${flow.remote.port}`],
      ["CSeq", `${++phone.cseq} OPTIONS`],
    ])
    this.#sent.add()
    this.#send(request, flow)
  }
}

/** What a REGISTER has done. Phones with Outbound, and those that ask whether they may (RFC 6223), send keep-alives of their own. */
export function registrationOf(
  { request, flow, outbound }: { readonly request: SipRequest; readonly flow: Flow; readonly outbound: OutboundUse },
  addressOfRecord: string,
  changes: readonly BindingChange[],
): Registration {
  const { via } = request
  const bound = changes.find((change) => change.kind === "bind")?.binding
  const isCaredFor = outbound === "applied" || outbound === "confirmed" || via?.params.has("keep") === true
  return { addressOfRecord, flow, sentBy: via?.sentBy ?? "", contact: isCaredFor ? undefined : bound?.contact, expiresSeconds: bound?.expiresSeconds ?? 0 }
}

function isBehindNat({ remote }: Flow, sentBy: string): boolean {
  const where = formatHostPort(remote)
  return sentBy !== where && !(remote.port === 5060 && `${sentBy}:5060` === where)
}

function isWanted({ users, unanswered }: Phone, now: number): boolean {
  for (const [user, until] of users) if (until <= now) users.delete(user)
  return users.size > 0 && unanswered < maxUnanswered
}
