/** A location service in a Map: what the registrar and the proxy need, without a network. */
import { P2PSipError } from "../../src/errors.ts"
import { bindingKey } from "../../src/sip/registrar/binding-key.ts"
import type { Binding, LocationService, RegistrationUpdate } from "../../src/sip/registrar/location-service.ts"

export class MapLocation implements LocationService {
  readonly updates: (RegistrationUpdate & { readonly addressOfRecord: string })[] = []
  /** Rejects every call with this, while it is set. */
  failure: Error | undefined
  /** Live bindings of one address-of-record. */
  maxBindings = 1000
  readonly #bindings = new Map<string, Map<string, Binding>>()
  readonly #operations = new Set<string>()

  async update(addressOfRecord: string, update: RegistrationUpdate): Promise<readonly Binding[]> {
    this.updates.push({ ...update, addressOfRecord })
    if (this.failure) throw this.failure
    const operation = Buffer.from(update.operationId).toString("hex")
    if (this.#operations.has(operation)) return this.lookup(addressOfRecord)
    const next = new Map(this.#bindings.get(addressOfRecord))
    for (const change of update.changes) apply(next, change, update)
    if (next.size > Math.min(this.maxBindings, update.maxBindings)) throw new P2PSipError("P2PSIP_TOO_MANY_VALUES", "too many bindings")
    this.#operations.add(operation)
    this.#bindings.set(addressOfRecord, next)
    return [...next.values()]
  }

  async lookup(addressOfRecord: string): Promise<readonly Binding[]> {
    if (this.failure) throw this.failure
    return [...(this.#bindings.get(addressOfRecord)?.values() ?? [])]
  }

  /** Puts a binding in place without a REGISTER. */
  bind(addressOfRecord: string, binding: Partial<Binding> & { readonly contact: string }): void {
    const whole: Binding = {
      parameters: "",
      qThousandths: 1000,
      expiresSeconds: 3600,
      callId: "placed",
      cseq: 1,
      path: [],
      userAgent: "",
      ...binding,
    }
    const bindings = this.#bindings.get(addressOfRecord) ?? new Map<string, Binding>()
    this.#bindings.set(addressOfRecord, bindings.set(bindingKey(whole.contact, whole.parameters), whole))
  }
}

function apply(bindings: Map<string, Binding>, change: RegistrationUpdate["changes"][number], { callId, cseq }: RegistrationUpdate): void {
  if (change.kind === "unbindAll") {
    for (const stored of bindings.values()) checkOrder(stored, callId, cseq)
    bindings.clear()
    return
  }
  const { contact, parameters } = change.kind === "bind" ? change.binding : change
  const key = bindingKey(contact, parameters)
  checkOrder(bindings.get(key), callId, cseq)
  if (change.kind === "bind") bindings.set(key, change.binding)
  else bindings.delete(key)
}

/** RFC 3261 §10.3 step 7: of one Call-ID the CSeq must grow. */
function checkOrder(stored: Binding | undefined, callId: string, cseq: number): void {
  if (stored?.callId === callId && cseq <= stored.cseq) throw new P2PSipError("P2PSIP_OUT_OF_ORDER", "an old CSeq")
}
