/**
 * The short way of a REGISTER that is as plain as most are: what the registrar
 * would do with it and answer, byte for byte, without a message in between.
 * Whatever is not plain, or is to be refused, is left to the registrar.
 */
import { parseMessage, SipRequest } from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import { contactValue, isTooBrief, maxUserAgentLength } from "./contacts.ts"
import type { ExpiryPolicy } from "./expiry-policy.ts"
import { isReserved } from "./gruus.ts"
import type { Binding, BindingChange, LocationService } from "./location-service.ts"
import type { Registration } from "./nat-keep-alive.ts"
import { operationIdOf, operationOf, toTagOf } from "./operation.ts"
import { mayBePlainRegister, readPlainRegister, type PlainRegister } from "./plain-register.ts"
import { isPossible, type ServedDomains } from "./served-domains.ts"

/** What it shares with the registrar. */
export interface PlainRegistrarParts {
  readonly location: LocationService
  readonly domains: ServedDomains
  readonly pathFor: (flow: Flow, isEdge: boolean) => string
  readonly expiry: ExpiryPolicy
  /** Operations that wait for the location service. */
  readonly pending: Set<string>
  readonly maxPending: number
  /** The value of Date. */
  readonly dateNow: () => string
  /** Told of each 200. */
  readonly onAnswer: () => void
  readonly onRegistered: ((registration: Registration) => void) | undefined
  /** The location service did not do what the request asks for, and nobody has been told. */
  readonly onFailure: (request: SipRequest, flow: Flow, error: unknown) => void
}

/** See the head of this file. */
export class PlainRegistrar {
  readonly #parts: PlainRegistrarParts

  constructor(parts: PlainRegistrarParts) {
    this.#parts = parts
  }

  /** Takes a datagram that is such a REGISTER; false for any other. */
  handle(bytes: Uint8Array, flow: Flow): boolean {
    const { domains, pending, maxPending, location, onFailure } = this.#parts
    if (flow.transport.protocol !== "UDP" || pending.size >= maxPending || !mayBePlainRegister(bytes)) return false
    const register = readPlainRegister(latin1(bytes))
    if (register === undefined || !domains.has(register.requestHost) || !domains.has(register.toHost)) return false
    const addressOfRecord = `sip:${register.toUser}@${register.toHost}`
    const expiry = this.#parts.expiry.for(addressOfRecord)
    const expiresSeconds = register.expiresSeconds ?? expiry.defaultExpiresSeconds
    if (!isPossible(addressOfRecord) || isReserved(addressOfRecord) || isTooBrief(expiresSeconds, expiry)) return false
    const via = viaOf(register, flow)
    const operation = operationOf({ ...register, via })
    // The answer to the first transmission is on its way.
    if (pending.has(operation)) return true
    const change = this.#changeOf(register, flow, Math.min(expiresSeconds, expiry.maxExpiresSeconds))
    const { callId } = register
    const update = { callId, cseq: cseqOf(register), operationId: operationIdOf(operation), changes: [change], maxBindings: expiry.maxContacts }
    const bindings = location.update(addressOfRecord, update)
    if (!(bindings instanceof Promise)) {
      this.#accept(register, { via, operation, bindings, flow, addressOfRecord, change })
      return true
    }
    pending.add(operation)
    bindings.then(
      (settled) => {
        pending.delete(operation)
        this.#accept(register, { via, operation, bindings: settled, flow, addressOfRecord, change })
      },
      (error: unknown) => {
        pending.delete(operation)
        onFailure(requestOf(bytes, via), flow, error)
      },
    )
    return true
  }

  #changeOf(register: PlainRegister, flow: Flow, expiresSeconds: number): BindingChange {
    const { contactUri: contact, callId } = register
    if (expiresSeconds === 0) return { kind: "unbind", contact, parameters: "" }
    const userAgent = register.userAgent.slice(0, maxUserAgentLength)
    const path = [this.#parts.pathFor(flow, false)]
    return { kind: "bind", binding: { callId, cseq: cseqOf(register), path, userAgent, contact, parameters: "", qThousandths: 1000, expiresSeconds } }
  }

  #accept({ from, to, callId, cseq }: PlainRegister, { via, operation, bindings, flow, addressOfRecord, change }: Outcome): void {
    let contacts = ""
    for (const binding of bindings) contacts += `Contact: ${contactValue(binding)}\r\n`
    const text = `SIP/2.0 200 OK\r\nVia: ${via}\r\nFrom: ${from}\r\nTo: ${to};tag=${toTagOf(operation)}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq}\r\n${
      contacts}Date: ${this.#parts.dateNow()}\r\nContent-Length: 0\r\n\r\n`
    this.#parts.onAnswer()
    const { contact, expiresSeconds } = change.kind === "bind" ? change.binding : { contact: undefined, expiresSeconds: 0 }
    this.#parts.onRegistered?.({ addressOfRecord, flow, sentBy: via.slice(viaStart, via.indexOf(";")), contact, expiresSeconds })
    flow.send(Buffer.from(text, "latin1"))
  }
}

interface Outcome {
  readonly via: string
  readonly operation: string
  readonly bindings: readonly Binding[]
  readonly flow: Flow
  readonly addressOfRecord: string
  readonly change: BindingChange
}

/** After it stands the sent-by. */
const viaStart = "SIP/2.0/UDP ".length

/** RFC 3581 §4. */
function viaOf({ via }: PlainRegister, { remote }: Flow): string {
  return `${via}=${remote.port};received=${remote.host}`
}

/** The message after all. */
function requestOf(bytes: Uint8Array, via: string): SipRequest {
  const message = parseMessage(bytes)
  if (!(message instanceof SipRequest)) throw new TypeError("a REGISTER was read as a response")
  message.headers.set("Via", via)
  return message
}

function cseqOf({ cseq }: PlainRegister): number {
  return Number(cseq.slice(0, cseq.indexOf(" ")))
}

function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString("latin1")
}
