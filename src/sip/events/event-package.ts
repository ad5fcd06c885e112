/** An event package (RFC 6665 §5) as those see it who keep subscriptions: a port. */

/** What one package is called, and what it tells. */
export interface EventPackage {
  /** As in the Event header, in lower case. */
  readonly name: string
  /** Of what its NOTIFYs carry. */
  readonly contentType: string
  /** Where a SUBSCRIBE does not say for how long. */
  readonly defaultExpiresSeconds: number
  /** Subscriptions to one address-of-record, so that nobody takes the places of all. */
  readonly maxPerAddress: number
  /** Who may watch: every user of our domains, or the user himself and third parties of his domain. */
  readonly watchers: "users" | "self"
  /** Whether it tells of registrations, and so has to look when one changes. */
  readonly tellsRegistrations: boolean
  /** The state of an address-of-record, of which nothing is known yet. */
  stateOf(addressOfRecord: string): EventState
}

/** What is known of one address-of-record. */
export interface EventState {
  /** Finds out how things are; true where something has changed that subscribers have to be told. Rejects where that cannot be found out. */
  look(): Promise<boolean>
  /** All that is known, or what the latest look has changed; `version` counts the documents of one subscription, from 0. */
  document(scope: "all" | "changes", version: number): Uint8Array
}
