/** What users have published (RFC 3903), where any peer finds it: a port. The peer binds it to a servlet. */

/** One publication: soft state of one phone, for one package and address-of-record. */
export interface Publication {
  /** 16 hexadecimal digits; the same as long as the publication lives. */
  readonly id: string
  /** One more with each change. Identifier and number together are the entity-tag. */
  readonly number: number
  /** Comes from other peers, and may be anything. */
  readonly document: Uint8Array
  /** Seconds left; 1 or more. */
  readonly expiresSeconds: number
}

/** One change, all or nothing. */
export type PublicationChange =
  /** `maxPublications`: how many there may be afterwards. */
  | { readonly kind: "create"; readonly publication: Publication; readonly maxPublications: number }
  /** In place of the one with the same identifier and a lower number. */
  | { readonly kind: "replace"; readonly publication: Publication }
  | { readonly kind: "remove"; readonly id: string; readonly number: number }

/**
 * Rejections are `P2PSipError`s: `P2PSIP_PRECONDITION` or `P2PSIP_OUT_OF_ORDER` where what is to be
 * replaced or removed is gone, or is no longer what it was; `P2PSIP_TOO_MANY_VALUES`; anything else means "not now".
 */
export interface PublicationService {
  /** The publications in force, in no particular order. */
  find(event: string, addressOfRecord: string): Promise<readonly Publication[]>
  change(event: string, addressOfRecord: string, change: PublicationChange): Promise<void>
}

/** What a document may take; a change of it is one value of the overlay. */
export const maxDocumentBytes = 8192
