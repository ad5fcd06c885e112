/**
 * Globally routable URIs of devices (RFC 5627): made for the registrar,
 * resolved for the proxy. See README.md for what they are made of.
 */
import type { Runtime } from "../../runtime/runtime.ts"
import { isParamCode, isUserCode } from "../message/characters.ts"
import { SipUri } from "../message/index.ts"
import { escapeUri, unescapeUri } from "../message/uri.ts"
import type { GruuKeys } from "./gruu-key.ts"
import { bindingsOf, latestLife, lifeFor } from "./gruu-lives.ts"
import { instanceOf } from "./instance.ts"
import type { Binding, BindingChange, LocationService, RegistrationUpdate } from "./location-service.ts"
import { refuse } from "./refusal.ts"
import { isPossible, type ServedDomains } from "./served-domains.ts"
import { keyNumberOf, openGruu, sealGruu, temporaryPrefix } from "./temporary-gruu.ts"

/** What GRUUs are made from and resolved with. */
export interface GruuComponents {
  readonly runtime: Runtime
  readonly location: LocationService
  readonly domains: ServedDomains
  readonly keys: GruuKeys
}

/** What a GRUU leads to. */
export interface GruuTarget {
  readonly addressOfRecord: string
  /** Those of the device, the one to be tried first first; none where it is not registered. */
  readonly bindings: readonly Binding[]
}

/** See the head of this file. */
export class Gruus {
  readonly #components: GruuComponents

  constructor(components: GruuComponents) {
    this.#components = components
  }

  /**
   * As `LocationService.update`, or `lookup` where nothing changes, for a phone
   * that knows GRUUs: the bindings come with `pub-gruu` and `temp-gruu`, the
   * same ones for each retransmission.
   */
  async update(addressOfRecord: string, update: RegistrationUpdate): Promise<readonly Binding[]> {
    const { location } = this.#components
    const { operationId } = update
    if (update.changes.length === 0) return this.#present(addressOfRecord, await location.lookup(addressOfRecord), operationId)
    const changes = await this.#withLives(addressOfRecord, update.changes)
    return this.#present(addressOfRecord, await location.update(addressOfRecord, { ...update, changes }), operationId)
  }

  /** Whether a URI is a GRUU of one of our domains, valid or not. */
  isGruu(uri: SipUri): boolean {
    return uri.params.size > 0 && uri.params.has("gr") && this.#components.domains.addressOfRecord(uri) !== undefined
  }

  /** Undefined for a GRUU that is not valid, or no longer (404). Rejects as `LocationService.lookup` does. */
  async resolve(uri: SipUri): Promise<GruuTarget | undefined> {
    const { domains, location } = this.#components
    const urn = uri.params.get("gr")
    const addressOfRecord = domains.addressOfRecord(uri)
    if (urn === undefined || addressOfRecord === undefined) return undefined
    if (urn === "") return this.#resolveTemporary(uri)
    if (!isPossible(addressOfRecord)) return undefined
    return { addressOfRecord, bindings: bindingsOf(unescapeUri(urn), await location.lookup(addressOfRecord)) }
  }

  async #resolveTemporary(uri: SipUri): Promise<GruuTarget | undefined> {
    const { domains, keys, location } = this.#components
    const { decodedUser: token = "" } = uri
    const domain = domains.domainOf(uri)
    const number = keyNumberOf(token)
    const key = number === undefined ? undefined : await keys.find(number)
    const gruu = key === undefined || domain === undefined ? undefined : openGruu(token, key, domain)
    if (gruu === undefined) return undefined
    const addressOfRecord = `sip:${gruu.user}@${domain}`
    const bindings = bindingsOf(gruu.urn, await location.lookup(addressOfRecord))
    return bindings.length > 0 && latestLife(bindings) === gruu.life ? { addressOfRecord, bindings } : undefined
  }

  /** §5.1. Throws a Refusal. */
  async #withLives(addressOfRecord: string, changes: readonly BindingChange[]): Promise<readonly BindingChange[]> {
    const isDevice = (change: BindingChange): boolean => change.kind === "bind" && instanceOf(change.binding.parameters) !== undefined
    if (!changes.some(isDevice)) return changes
    const { location, runtime } = this.#components
    const known = await location.lookup(addressOfRecord)
    const stamped: BindingChange[] = []
    for (const change of changes) {
      if (change.kind !== "bind" || !isDevice(change)) {
        stamped.push(change)
        continue
      }
      const { binding } = change
      await this.#refuseLoop(addressOfRecord, binding.contact)
      stamped.push({ kind: "bind", binding: { ...binding, gruuLife: lifeFor(binding, known, runtime.wallClock()) } })
    }
    return stamped
  }

  /** §5.1: a contact that leads back to what it is a contact of. */
  async #refuseLoop(addressOfRecord: string, contact: string): Promise<void> {
    const uri = SipUri.tryParse(contact)
    if (uri?.isSip !== true) throw refuse(403, "Contact Is Not A SIP URI")
    const { domains } = this.#components
    if (domains.addressOfRecord(uri) === addressOfRecord) throw refuse(403, "Contact Is The Address-Of-Record")
    if (!this.isGruu(uri)) return
    const target = await this.resolve(uri)
    if (target?.addressOfRecord === addressOfRecord) throw refuse(403, "Contact Is A GRUU Of The Address-Of-Record")
  }

  /** §5.2. */
  async #present(addressOfRecord: string, bindings: readonly Binding[], operationId: Uint8Array): Promise<readonly Binding[]> {
    if (!bindings.some(({ parameters }) => instanceOf(parameters) !== undefined)) return bindings
    const [user, domain] = partsOf(addressOfRecord)
    const key = await this.#components.keys.current()
    return bindings.map((binding) => {
      const urn = instanceOf(binding.parameters)?.urn
      if (urn === undefined) return binding
      const life = latestLife(bindingsOf(urn, bindings))
      const sealed = key && life > 0 ? sealGruu({ user, urn, life }, operationId, key, domain) : undefined
      const temporary = sealed === undefined ? "" : `;temp-gruu="sip:${sealed}@${domain};gr"`
      return { ...binding, parameters: `${binding.parameters};pub-gruu="${publicGruu(user, domain, urn)}"${temporary}` }
    })
  }
}

/** Whether an address-of-record looks like a temporary GRUU whose `gr` somebody has lost: nobody may register there. */
export function isReserved(addressOfRecord: string): boolean {
  return addressOfRecord.startsWith(temporaryPrefix, "sip:".length)
}

/** The public GRUU of a device of that address-of-record. */
export function publicGruuOf(addressOfRecord: string, urn: string): string {
  return publicGruu(...partsOf(addressOfRecord), urn)
}

/** §5.1: the address-of-record with the device as parameter. */
function publicGruu(user: string, domain: string, urn: string): string {
  return `sip:${escapeUri(user, isUserCode)}@${domain};gr=${escapeUri(urn, isParamCode)}`
}

function partsOf(addressOfRecord: string): [user: string, domain: string] {
  const at = addressOfRecord.lastIndexOf("@")
  return [addressOfRecord.slice("sip:".length, at), addressOfRecord.slice(at + 1)]
}
