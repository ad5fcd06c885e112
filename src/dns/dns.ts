/** What the DNS knows, as SIP needs it: a port. Names are in lower case, without the dot at the end. */

/** One SRV record (RFC 2782). */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Empty where the service is decidedly not there. */
  readonly target: string
}

/** One NAPTR record (RFC 3403), as far as SIP uses it. */
export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly regexp: string
  readonly replacement: string
}

/** What a record of each type holds. */
export interface RecordData {
  /** An IPv4 address. */
  readonly A: string
  /** An IPv6 address. */
  readonly AAAA: string
  readonly SRV: SrvRecord
  readonly NAPTR: NaptrRecord
}

/** A type of record that can be asked for. */
export type RecordType = keyof RecordData

/** See the head of this file. */
export interface Dns {
  /**
   * The records of a name, in no particular order; none where there is no such name or no such record. Rejects with
   * `P2PSIP_TIMEOUT`, `P2PSIP_UNREACHABLE` (no server could answer) or `P2PSIP_LIMIT`.
   */
  resolve<T extends RecordType>(name: string, type: T): Promise<readonly RecordData[T][]>
}
