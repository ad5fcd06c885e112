/** The event packages of what users publish: presence (RFC 3856) and message waiting (RFC 3842). */
import type { LocationService } from "../registrar/location-service.ts"
import type { EventPackage, EventState } from "./event-package.ts"
import { composeMessageSummary, messageSummaryType, readMessageSummary } from "./message-summary.ts"
import { composePidf, pidfType, readPidf } from "./pidf.ts"
import type { Publication, PublicationService } from "./publications.ts"

/** What they are built on. */
export interface PublishedPackageComponents {
  readonly location: LocationService
  readonly publications: PublicationService
}

/** A package whose documents users publish (RFC 3903 §10). They are of the same content type as those that subscribers get. */
export interface PublishedPackage extends EventPackage {
  /** Throws a SipSyntaxError where a document is none of this package. */
  readonly check: (document: Uint8Array) => void
}

/** What makes one package differ from another. */
interface Kind extends Omit<PublishedPackage, "stateOf"> {
  /** What subscribers are told of an address-of-record, of which this is published; documents that are none are left out. */
  readonly compose: (addressOfRecord: string, publications: readonly Publication[], isRegistered: boolean) => Uint8Array
}

const kinds: readonly Kind[] = [
  {
    name: "presence",
    contentType: pidfType,
    // RFC 3856 §6.4.
    defaultExpiresSeconds: 3600,
    maxPerAddress: 256,
    watchers: "users",
    tellsRegistrations: true,
    check: (document) => void readPidf("", document),
    compose: (addressOfRecord, publications, isRegistered) => {
      return composePidf(addressOfRecord, readable(publications, ({ id, document }) => readPidf(id, document)), isRegistered)
    },
  },
  {
    name: "message-summary",
    contentType: messageSummaryType,
    // RFC 3842 §3.4.
    defaultExpiresSeconds: 3600,
    maxPerAddress: 32,
    watchers: "self",
    tellsRegistrations: false,
    check: (document) => void readMessageSummary(document),
    compose: (addressOfRecord, publications) => {
      return composeMessageSummary(addressOfRecord, readable(publications, ({ document }) => readMessageSummary(document)))
    },
  },
]

/** All of them. */
export function publishedPackages(components: PublishedPackageComponents): readonly PublishedPackage[] {
  return kinds.map((kind) => ({ ...kind, stateOf: (addressOfRecord) => new PublishedState(components, kind, addressOfRecord) }))
}

/** What is published for one address-of-record, put together. */
class PublishedState implements EventState {
  readonly #components: PublishedPackageComponents
  readonly #kind: Kind
  readonly #addressOfRecord: string
  #document: Uint8Array = new Uint8Array(0)
  /** What the document was made of: as long as that is the same, it is not made again. */
  #source: string | undefined

  constructor(components: PublishedPackageComponents, kind: Kind, addressOfRecord: string) {
    this.#components = components
    this.#kind = kind
    this.#addressOfRecord = addressOfRecord
  }

  async look(): Promise<boolean> {
    const { location, publications } = this.#components
    const { name, tellsRegistrations, compose } = this.#kind
    const found = await publications.find(name, this.#addressOfRecord)
    // What phones say of themselves is better than what can be guessed.
    const isRegistered = tellsRegistrations && found.length === 0 && (await location.lookup(this.#addressOfRecord)).length > 0
    const source = [`${isRegistered}`, ...found.map(({ id, number }) => `${id} ${number}`).sort()].join("\n")
    if (source === this.#source) return false
    this.#source = source
    const document = compose(this.#addressOfRecord, found, isRegistered)
    if (Buffer.compare(document, this.#document) === 0) return false
    this.#document = document
    return true
  }

  /** Always all of it: neither package has partial documents. */
  document(): Uint8Array {
    return this.#document
  }
}

/** Publications come from other peers: one that is none must not hide the others. */
function readable<T>(publications: readonly Publication[], read: (publication: Publication) => T): readonly T[] {
  return publications.flatMap((publication) => {
    try {
      return [read(publication)]
    } catch {
      return []
    }
  })
}
