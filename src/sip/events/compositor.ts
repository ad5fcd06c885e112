/** Takes what users publish (RFC 3903): the event state compositor of all packages. */
import { isP2PSipError } from "../../errors.ts"
import type { Counter, Runtime } from "../../runtime/runtime.ts"
import { createResponse } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import { refuse } from "../registrar/refusal.ts"
import { requirePossible, type ServedDomains } from "../registrar/served-domains.ts"
import type { ServerTransaction } from "../transaction/index.ts"
import type { EventAuthorization } from "./event-authorization.ts"
import { eventOf, expiresOf, refuseEvent, requireNoExtensions } from "./event-header.ts"
import { conditionOf, documentOf, entityTagOf, operationOf } from "./publication-request.ts"
import type { Publication, PublicationChange, PublicationService } from "./publications.ts"
import type { PublishedPackage } from "./published-packages.ts"

/** What it is built on. */
export interface CompositorComponents {
  readonly runtime: Runtime
  readonly domains: ServedDomains
  readonly authorization: EventAuthorization
  readonly publications: PublicationService
  readonly packages: ReadonlyMap<string, PublishedPackage>
  /** What to refuse with who may ask again later. */
  readonly notNow: () => Error
  /** Told of each change. */
  readonly onChange: (event: string, addressOfRecord: string) => void
}

/** Of one package and address-of-record: together they must fit into a frame of the mesh, 64 kB. */
const maxPublications = 6
const defaultExpiresSeconds = 3600

/** See the head of this file. */
export class Compositor {
  readonly #components: CompositorComponents
  readonly #published: Counter

  constructor(components: CompositorComponents) {
    this.#components = components
    this.#published = components.runtime.metrics.counter("p2psip_publications_total", "PUBLISH requests that were taken.")
  }

  /** Answers a PUBLISH for an address-of-record of ours, as §6 has it. Rejects with a Refusal, or a SipSyntaxError. */
  async accept(server: ServerTransaction, request: SipRequest): Promise<void> {
    const { authorization, domains, packages, onChange } = this.#components
    requireNoExtensions(request)
    const addressOfRecord = domains.addressOfRecord(request.requestUri) ?? ""
    requirePossible(addressOfRecord)
    authorization.require("self", request, addressOfRecord)
    const eventPackage = packages.get(eventOf(request))
    // Step 2.
    if (eventPackage === undefined) throw refuseEvent(packages.keys())
    const current = await this.#current(eventPackage, request, addressOfRecord)
    // Step 4.
    const expiresSeconds = expiresOf(request, defaultExpiresSeconds)
    const { publication, change } = this.#read(eventPackage, request, expiresSeconds, current)
    if (change !== undefined) {
      await this.#make(eventPackage, addressOfRecord, change)
      onChange(eventPackage.name, addressOfRecord)
    }
    this.#published.add()
    // Step 6.
    const headers = [["SIP-ETag", entityTagOf(publication)], ["Expires", String(expiresSeconds)]] as const
    server.respond(createResponse(server.request, 200, undefined, { toTag: this.#randomHex(), headers }))
  }

  /** Step 3: the publication that is meant; undefined for a new one. */
  async #current({ name }: PublishedPackage, request: SipRequest, addressOfRecord: string): Promise<Publication | undefined> {
    const condition = conditionOf(request)
    if (condition === undefined) return undefined
    const found = await this.#orNotNow(this.#components.publications.find(name, addressOfRecord))
    const current = found.find((publication) => entityTagOf(publication) === condition)
    if (current === undefined) throw refuse(412, "Conditional Request Failed")
    return current
  }

  /** Step 5: what becomes of the publication, and what has to be changed for that. */
  #read(
    { contentType, check }: PublishedPackage,
    request: SipRequest,
    expiresSeconds: number,
    current: Publication | undefined,
  ): { publication: Pick<Publication, "id" | "number">; change?: PublicationChange } {
    const operation = operationOf({ hasTag: current !== undefined, hasBody: request.body.length > 0, expiresSeconds })
    const { id, number } = current === undefined ? { id: this.#randomHex(), number: 0 } : { id: current.id, number: current.number + 1 }
    if (operation === "remove") return { publication: { id, number }, change: { kind: "remove", id, number } }
    let document = current?.document ?? request.body
    if (operation !== "refresh") {
      document = documentOf(request, contentType)
      check(document)
    }
    const publication = { id, number, document, expiresSeconds }
    if (operation === "nothing") return { publication }
    return { publication, change: current === undefined ? { kind: "create", publication, maxPublications } : { kind: "replace", publication } }
  }

  async #make({ name }: PublishedPackage, addressOfRecord: string, change: PublicationChange): Promise<void> {
    await this.#orNotNow(this.#components.publications.change(name, addressOfRecord, change))
  }

  async #orNotNow<T>(promise: Promise<T>): Promise<T> {
    const { runtime, notNow } = this.#components
    try {
      return await promise
    } catch (error) {
      // Somebody else has changed it in between.
      if (isP2PSipError(error, "P2PSIP_PRECONDITION") || isP2PSipError(error, "P2PSIP_OUT_OF_ORDER")) throw refuse(412, "Conditional Request Failed")
      // Not 503: that would send the phone to the next peer with the same wish.
      if (isP2PSipError(error, "P2PSIP_TOO_MANY_VALUES")) throw refuse(403, "Too Many Publications")
      runtime.log.debug({ error }, "a publication could not be made")
      throw notNow()
    }
  }

  /** Eight random bytes. */
  #randomHex(): string {
    return Buffer.from(this.#components.runtime.random.bytes(8)).toString("hex")
  }
}
