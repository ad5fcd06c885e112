/**
 * The location service on a servlet: where SIP meets the overlay.
 *
 * An address-of-record is a key, each binding one of its values. A REGISTER is
 * one update, so it applies all or nothing, at the owner and in one round trip.
 */
import { hash } from "node:crypto"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { Mutation, P2PSipServlet, Precondition, Sequence, Value } from "../servlet/index.ts"
import { bindingKey } from "../sip/registrar/binding-key.ts"
import type { Binding, BindingChange, LocationService, RegistrationUpdate } from "../sip/registrar/location-service.ts"
import { decodeBinding, encodeBinding } from "./binding-codec.ts"

export interface ServletLocationComponents {
  readonly runtime: Runtime
  readonly servlet: Pick<P2PSipServlet, "updateSoon" | "get" | "capabilities">
}

/** Names of values and of series that are longer are hashes of them. */
const maxNameBytes = 64
const hashBytes = 20

/** See the head of this file. */
export class ServletLocation implements LocationService {
  readonly #servlet: ServletLocationComponents["servlet"]
  readonly #malformed: Counter

  constructor({ runtime, servlet }: ServletLocationComponents) {
    this.#servlet = servlet
    this.#malformed = runtime.metrics.counter("p2psip_malformed_bindings_total", "Values in the overlay that are no bindings.")
  }

  update(addressOfRecord: string, update: RegistrationUpdate): readonly Binding[] | Promise<readonly Binding[]> {
    const sequence = { series: nameOf(update.callId), number: update.cseq }
    const written: Written[] = []
    const mutations = update.changes.map((change) => mutationOf(change, sequence, written))
    const conditions = this.#conditionsOf(update)
    const values = this.#servlet.updateSoon(keyOf(addressOfRecord), mutations, conditions, { operationId: update.operationId })
    return values instanceof Promise ? values.then((settled) => this.#bindings(settled, written)) : this.#bindings(values, written)
  }

  async lookup(addressOfRecord: string): Promise<readonly Binding[]> {
    return this.#bindings(await this.#servlet.get(keyOf(addressOfRecord)), [])
  }

  /** Removals alone are never too many. */
  #conditionsOf({ changes, maxBindings }: RegistrationUpdate): readonly Precondition[] {
    const binds = changes.some(({ kind }) => kind === "bind")
    return binds && this.#servlet.capabilities.preconditions ? [{ kind: "atMost", values: maxBindings }] : []
  }

  /** Those `written` just now need not be read. */
  #bindings(values: readonly Value[], written: readonly Written[]): Binding[] {
    const bindings: Binding[] = []
    for (const { value, ttlSeconds } of values) {
      try {
        const known = written.find(({ bytes }) => Buffer.compare(bytes, value) === 0)
        bindings.push(known === undefined ? decodeBinding(value, ttlSeconds) : { ...known.binding, expiresSeconds: ttlSeconds })
      } catch {
        // Anybody may put under any key: what is no binding must not hide those that are.
        this.#malformed.add()
      }
    }
    return bindings
  }
}

interface Written {
  readonly binding: Binding
  readonly bytes: Uint8Array
}

/** The overlay's key of an address-of-record: its own bytes, one per character. */
export function keyOf(addressOfRecord: string): Uint8Array {
  return Buffer.from(addressOfRecord, "latin1")
}

/** Adds what it encodes to `written`. */
function mutationOf(change: BindingChange, sequence: Sequence, written: Written[]): Mutation {
  switch (change.kind) {
    case "bind": {
      const { binding } = change
      const valueHash = valueHashOf(binding.contact, binding.parameters)
      const bytes = encodeBinding(binding)
      written.push({ binding, bytes })
      return { kind: "put", value: bytes, valueHash, ttlSeconds: binding.expiresSeconds, sequence }
    }
    case "unbind":
      return { kind: "remove", valueHash: valueHashOf(change.contact, change.parameters), sequence }
    case "unbindAll":
      return { kind: "removeAll", sequence }
  }
}

/** What tells a binding from the others of its address-of-record. */
function valueHashOf(contact: string, parameters: string): Uint8Array {
  return nameOf(bindingKey(contact, parameters))
}

/** Short texts name themselves, which spares a hash; no printable text is a hash as well. */
function nameOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1")
  if (bytes.length > 0 && bytes.length <= maxNameBytes) return bytes
  return Buffer.from(hash("sha256", bytes, "binary").slice(0, hashBytes), "latin1")
}
