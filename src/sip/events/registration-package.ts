/** The event package `reg` (RFC 3680): who is registered where. */
import type { Runtime } from "../../runtime/runtime.ts"
import type { LocationService } from "../registrar/location-service.ts"
import type { EventPackage, EventState } from "./event-package.ts"
import { reginfoOf, reginfoType } from "./reginfo.ts"
import { nothingKnown, observe, type ContactState, type RegistrationState } from "./registration-state.ts"

/** What the package is built on. */
export interface RegistrationPackageComponents {
  readonly runtime: Runtime
  readonly location: LocationService
}

/** See the head of this file. */
export function registrationPackage(components: RegistrationPackageComponents): EventPackage {
  return {
    name: "reg",
    contentType: reginfoType,
    // §4.4.
    defaultExpiresSeconds: 3761,
    maxPerAddress: 32,
    // §4.6.
    watchers: "self",
    tellsRegistrations: true,
    stateOf: (addressOfRecord) => new Registrations(components, addressOfRecord),
  }
}

/** The registrations of one address-of-record. */
class Registrations implements EventState {
  readonly #components: RegistrationPackageComponents
  readonly #addressOfRecord: string
  #state: RegistrationState = nothingKnown
  #changes: readonly ContactState[] = []

  constructor(components: RegistrationPackageComponents, addressOfRecord: string) {
    this.#components = components
    this.#addressOfRecord = addressOfRecord
  }

  async look(): Promise<boolean> {
    const { runtime, location } = this.#components
    const bindings = await location.lookup(this.#addressOfRecord)
    const { state, changes } = observe(this.#state, bindings, runtime.now())
    this.#state = state
    this.#changes = changes
    return changes.length > 0
  }

  document(scope: "all" | "changes", version: number): Uint8Array {
    const { contacts, phase } = this.#state
    const isFull = scope === "all"
    return reginfoOf({
      version, isFull, phase,
      addressOfRecord: this.#addressOfRecord,
      contacts: isFull ? [...contacts.values()] : this.#changes,
      now: this.#components.runtime.now(),
    })
  }
}
