/**
 * What a REGISTER asks for (RFC 3261 §10.3 steps 6 and 7): from header fields
 * to changes of bindings. Pure.
 */
import { contactQ, formatQ, parseDeltaSeconds, parseNameAddress } from "../message/index.ts"
import type { NameAddress, SipRequest } from "../message/index.ts"
import { bindingKey } from "./binding-key.ts"
import type { Binding, BindingChange } from "./location-service.ts"
import type { OutboundUse } from "./outbound.ts"
import { refuse } from "./refusal.ts"

/** Lengths in seconds. */
export interface ExpiryOptions {
  /** What a phone gets that does not ask for anything. @default 3600 */
  readonly defaultExpiresSeconds: number
  /** Shorter registrations are refused with 423, except for 0; never more than 3600. @default 60 */
  readonly minExpiresSeconds: number
  /** Longer registrations are shortened. @default 7200 */
  readonly maxExpiresSeconds: number
  /** Contacts of one address-of-record, and so of one REGISTER. @default 16 */
  readonly maxContacts: number
}

/** Nobody needs longer ones, and each is stored several times. */
const maxContactLength = 1024
const maxCallIdLength = 1024
export const maxUserAgentLength = 128
/** In one REGISTER, beside those that it binds: a phone that has got another address takes the old one back with it. */
const maxRemovals = 32
/** What one update of the location service takes. */
const maxChanges = 64
/** RFC 3261 §10.3: a registrar may refuse what is short only below one hour. */
const oneHourSeconds = 3600

/** What a binding has from its REGISTER as a whole. */
export interface RegistrationContext {
  readonly path: readonly string[]
  readonly outbound: OutboundUse
}

/** The changes, none for a query. Throws a Refusal or a SipSyntaxError; then nothing is to be changed. */
export function readChanges(request: SipRequest, { path, outbound }: RegistrationContext, options: ExpiryOptions): readonly BindingChange[] {
  const contacts = request.headers.getAll("Contact")
  if (contacts.length === 0) return []
  if (contacts.some((contact) => contact.startsWith("*"))) return readWildcard(request, contacts)
  if (contacts.length > Math.min(options.maxContacts + maxRemovals, maxChanges)) throw refuse(403, "Too Many Contacts")
  if (request.callId.length > maxCallIdLength) throw refuse(400, "Call-ID Too Long")
  const header = request.headers.get("Expires")
  const fallbackSeconds = header === undefined ? options.defaultExpiresSeconds : deltaSeconds(header)
  const common = {
    callId: request.callId,
    cseq: request.cseq.number,
    path,
    userAgent: (request.headers.get("User-Agent") ?? "").slice(0, maxUserAgentLength),
    ignoresFlowNumber: outbound === "ignored",
  }
  const [only] = contacts
  if (contacts.length === 1 && only !== undefined) return [readContact(only, fallbackSeconds, common, options)]
  // Of two values for one binding the later one counts, as if they had been processed one by one.
  const changes = new Map<string, BindingChange>()
  for (const contact of contacts) {
    const change = readContact(contact, fallbackSeconds, common, options)
    const key = keyOf(change)
    changes.delete(key)
    changes.set(key, change)
  }
  const result = [...changes.values()]
  const bound = result.filter(({ kind }) => kind === "bind").length
  if (bound > options.maxContacts) throw refuse(403, "Too Many Contacts")
  // RFC 5626 §6: one flow for each REGISTER.
  if (bound > 1 && (outbound === "applied" || outbound === "confirmed")) throw refuse(400, "One Contact With reg-id")
  return result
}

/** §10.3 step 6: `*` alone, and Expires: 0. */
function readWildcard(request: SipRequest, contacts: readonly string[]): readonly BindingChange[] {
  if (contacts.length > 1) throw refuse(400, "Contact * With Other Contacts")
  const expires = request.headers.get("Expires")
  if (contacts[0] !== "*" || expires === undefined || parseDeltaSeconds(expires) !== 0) {
    throw refuse(400, "Contact * Needs Expires 0")
  }
  return [{ kind: "unbindAll" }]
}

interface Common extends Pick<Binding, "callId" | "cseq" | "path" | "userAgent"> {
  readonly ignoresFlowNumber: boolean
}

type ContactChange = Exclude<BindingChange, { kind: "unbindAll" }>

function readContact(text: string, fallbackSeconds: number, common: Common, options: ExpiryOptions): ContactChange {
  if (text.length > maxContactLength) throw refuse(400, "Contact Too Long")
  const address = parseNameAddress(text, "Contact")
  const { ignoresFlowNumber, ...shared } = common
  const parameters = otherParameters(address, ignoresFlowNumber)
  const expires = address.params.get("expires")
  const askedSeconds = expires === undefined ? fallbackSeconds : deltaSeconds(expires)
  // A malformed URI is refused here, before anything is stored.
  void address.parsedUri
  const contact = address.uri
  if (askedSeconds === 0) return { kind: "unbind", contact, parameters }
  if (isTooBrief(askedSeconds, options)) {
    throw refuse(423, "Interval Too Brief", [["Min-Expires", String(options.minExpiresSeconds)]])
  }
  const expiresSeconds = Math.min(askedSeconds, options.maxExpiresSeconds)
  const qThousandths = contactQ(address) ?? 1000
  return { kind: "bind", binding: { ...shared, contact, parameters, qThousandths, expiresSeconds } }
}

/** Whether a time that is asked for is to be refused. 0 is none. */
export function isTooBrief(seconds: number, { minExpiresSeconds }: ExpiryOptions): boolean {
  return seconds > 0 && seconds < minExpiresSeconds && seconds < oneHourSeconds
}

/** A binding as an answer lists it: `<uri>;expires=…`, with q where it is not 1. */
export function contactValue({ contact, expiresSeconds, qThousandths, parameters }: Binding): string {
  const q = qThousandths === 1000 ? "" : `;q=${formatQ(qThousandths)}`
  return `<${contact}>;expires=${expiresSeconds}${q}${parameters}`
}

/** `expires` and `q` have places of their own; GRUUs are the registrar's to give (RFC 5627 §5.1). */
const notKept = ["expires", "q", "pub-gruu", "temp-gruu"] as const

function keyOf(change: ContactChange): string {
  const { contact, parameters } = change.kind === "bind" ? change.binding : change
  return bindingKey(contact, parameters)
}

function otherParameters({ params }: NameAddress, ignoresFlowNumber: boolean): string {
  if (params.size === 0) return ""
  let kept = ignoresFlowNumber ? params.without("reg-id") : params
  for (const name of notKept) kept = kept.without(name)
  return kept.raw
}

/** Malformed values, those beyond 32 bits among them, count as one hour (§20.19). */
function deltaSeconds(text: string): number {
  return parseDeltaSeconds(text) ?? oneHourSeconds
}
