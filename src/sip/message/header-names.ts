/**
 * The header field names that the message layer knows by number, so that a
 * field is found by comparing small integers.
 *
 * A name is written here once: canonical form, compact form, and the flags
 * `list` (RFC 3261 §7.3.1: values may share a field, separated by commas) and
 * `single` (at most one field in a message).
 */
interface KnownHeader {
  readonly name: string
  readonly compact?: string
  readonly list?: true
  readonly single?: true
}

/** The first entry stands for every name that is not in the table. */
const known: readonly KnownHeader[] = [
  { name: "" },
  { name: "Via", compact: "v", list: true },
  { name: "From", compact: "f", single: true },
  { name: "To", compact: "t", single: true },
  { name: "Call-ID", compact: "i", single: true },
  { name: "CSeq", single: true },
  { name: "Max-Forwards", single: true },
  { name: "Contact", compact: "m", list: true },
  { name: "Content-Length", compact: "l", single: true },
  { name: "Content-Type", compact: "c", single: true },
  { name: "Content-Encoding", compact: "e", list: true },
  { name: "Content-Disposition", single: true },
  { name: "Content-Language", list: true },
  { name: "Route", list: true },
  { name: "Record-Route", list: true },
  { name: "Path", list: true },
  { name: "Service-Route", list: true },
  { name: "Expires", single: true },
  { name: "Min-Expires", single: true },
  { name: "Require", list: true },
  { name: "Proxy-Require", list: true },
  { name: "Supported", compact: "k", list: true },
  { name: "Unsupported", list: true },
  { name: "Allow", list: true },
  { name: "Allow-Events", compact: "u", list: true },
  { name: "Accept", list: true },
  { name: "Accept-Encoding", list: true },
  { name: "Accept-Language", list: true },
  { name: "Accept-Contact", compact: "a", list: true },
  { name: "Reject-Contact", compact: "j", list: true },
  { name: "Request-Disposition", compact: "d", list: true },
  { name: "Alert-Info", list: true },
  { name: "Call-Info", list: true },
  { name: "Error-Info", list: true },
  { name: "History-Info", list: true },
  { name: "In-Reply-To", list: true },
  { name: "P-Asserted-Identity", list: true },
  { name: "P-Preferred-Identity", list: true },
  { name: "Reason", list: true },
  { name: "Warning", list: true },
  { name: "Diversion", list: true },
  { name: "Feature-Caps", list: true },
  // Credentials and challenges hold commas between their own parameters: one field, one value.
  { name: "Authorization" },
  { name: "Proxy-Authorization" },
  { name: "WWW-Authenticate" },
  { name: "Proxy-Authenticate" },
  { name: "Authentication-Info" },
  { name: "Retry-After", single: true },
  { name: "Max-Breadth", single: true },
  { name: "Date" },
  { name: "Timestamp" },
  { name: "User-Agent" },
  { name: "Server" },
  { name: "Subject", compact: "s" },
  { name: "Organization" },
  { name: "Priority" },
  { name: "MIME-Version" },
  { name: "Event", compact: "o", single: true },
  { name: "Subscription-State", single: true },
  { name: "Refer-To", compact: "r", single: true },
  { name: "Referred-By", compact: "b", single: true },
  { name: "Replaces", single: true },
  { name: "Session-Expires", compact: "x", single: true },
  { name: "Min-SE", single: true },
  { name: "Identity", compact: "y" },
  { name: "Identity-Info", compact: "n" },
  { name: "Flow-Timer", single: true },
  { name: "SIP-ETag", single: true },
  { name: "SIP-If-Match", single: true },
]

/** A known name's number; 0 for every other name. */
export type HeaderId = number

const tableSize = 512
const slots = new Uint8Array(tableSize)
const slotNames: string[] = new Array<string>(tableSize).fill("")
const idByName = new Map<string, HeaderId>()

known.forEach(({ name, compact }, id) => {
  if (id === 0) return
  for (const form of compact === undefined ? [name] : [name, compact]) {
    const lower = form.toLowerCase()
    let slot = startHash(lower)
    while (slots[slot] !== 0) slot = (slot + 1) % tableSize
    slots[slot] = id
    slotNames[slot] = lower
    for (const spelling of [form, lower, form.toUpperCase()]) idByName.set(spelling, id)
  }
})

function startHash(lower: string): number {
  let hash = 0
  for (let i = 0; i < lower.length; i++) hash = addToNameHash(hash, lower.charCodeAt(i))
  return hash % tableSize
}

/** The next state of the hash that {@link headerIdAt} takes; the case of letters does not count. Starts from 0. */
export function addToNameHash(hash: number, code: number): number {
  return (hash * 31 + (code | 0x20)) & 0xff_ffff
}

/** The number of the name at `start` to `end` of `bytes`, whose characters have the given hash. */
export function headerIdAt(bytes: Uint8Array, start: number, end: number, hash: number): HeaderId {
  const length = end - start
  for (let slot = hash % tableSize; slots[slot] !== 0; slot = (slot + 1) % tableSize) {
    const name = slotNames[slot] ?? ""
    if (name.length === length && sameName(bytes, start, name)) return slots[slot] ?? 0
  }
  return 0
}

function sameName(bytes: Uint8Array, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const code = bytes[start + i] ?? 0
    const folded = code >= 0x41 && code <= 0x5a ? code | 0x20 : code
    if (folded !== lower.charCodeAt(i)) return false
  }
  return true
}

/** The number of a name in any case or compact form. */
export function headerId(name: string): HeaderId {
  return idByName.get(name) ?? idByName.get(name.toLowerCase()) ?? 0
}

/** How a known name is written by default; empty for 0. */
export function canonicalName(id: HeaderId): string {
  return known[id]?.name ?? ""
}

/** True where one field may carry several values, separated by commas. */
export function isListHeader(id: HeaderId): boolean {
  return known[id]?.list === true
}

const singles = Uint8Array.from(known, (header) => (header.single === true ? 1 : 0))

/** True where a second field of the name is a fault. */
export function isSingleHeader(id: HeaderId): boolean {
  return singles[id] === 1
}

/** Header numbers are below this. */
export const headerIdCount: number = known.length
