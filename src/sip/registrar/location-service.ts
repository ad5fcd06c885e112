/**
 * The location service as SIP sees it (RFC 3261 §10): a port. The peer binds
 * it to a servlet; a test may bind it to a Map.
 */

/** One binding of an address-of-record. */
export interface Binding {
  /** The Contact URI as the phone wrote it, without angle brackets. */
  readonly contact: string
  /** Contact header parameters other than expires and q, as written: `;+sip.instance="<urn:…>";reg-id=1`. */
  readonly parameters: string
  /** In thousandths, 0 to 1000, so that nobody rounds. @default 1000 */
  readonly qThousandths: number
  /** Seconds left; 1 or more. */
  readonly expiresSeconds: number
  readonly callId: string
  readonly cseq: number
  /** The Path vector (RFC 3327) as header values, first hop first. The first one names the peer that holds the phone's flow. */
  readonly path: readonly string[]
  readonly userAgent: string
  /** Of the device's registration, where it has temporary GRUUs: see `gruu-lives.ts`. Milliseconds since 1970, below 2^48. */
  readonly gruuLife?: number | undefined
}

/** What one REGISTER asks for; all or nothing (RFC 3261 §10.3 step 7). */
export interface RegistrationUpdate {
  readonly callId: string
  readonly cseq: number
  /** Eight bytes that are the same for each retransmission of one REGISTER. */
  readonly operationId: Uint8Array
  readonly changes: readonly BindingChange[]
  /** Bindings that may be in force afterwards; more are refused with `P2PSIP_TOO_MANY_VALUES`. */
  readonly maxBindings: number
}

/** One change: a binding made or replaced, one removed, or all removed. Which binding is meant, `bindingKey` tells. */
export type BindingChange =
  | { readonly kind: "bind"; readonly binding: Binding }
  | { readonly kind: "unbind"; readonly contact: string; readonly parameters: string }
  | { readonly kind: "unbindAll" }

/**
 * Keys are canonical addresses-of-record: `sip:user@host`, user decoded, host
 * in lower case. Rejections are `P2PSipError`s: `P2PSIP_OUT_OF_ORDER` for an
 * old CSeq, `P2PSIP_TOO_MANY_VALUES`, anything else means "not now".
 */
export interface LocationService {
  /** Applies the changes and returns the bindings that are then in force: at once where they are at hand, else in a promise. Never throws; it rejects. */
  update(addressOfRecord: string, update: RegistrationUpdate): readonly Binding[] | Promise<readonly Binding[]>
  /** The bindings in force. */
  lookup(addressOfRecord: string): Promise<readonly Binding[]>
}
