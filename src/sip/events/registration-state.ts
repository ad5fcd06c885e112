/** What subscribers know of an address-of-record, and what has changed since (RFC 3680 §4.7.1). Pure. */
import { hash } from "node:crypto"
import { bindingKey } from "../registrar/binding-key.ts"
import type { Binding } from "../registrar/location-service.ts"

/** Why a contact is in its state. Nothing here shortens, suspends or rejects registrations by itself. */
export type ContactEvent = "registered" | "refreshed" | "expired" | "unregistered"

/** One contact, as a document tells of it. Times are those of `Runtime.now()`. */
export interface ContactState {
  /** The same for the same binding, also at other peers. */
  readonly id: string
  readonly binding: Binding
  readonly event: ContactEvent
  /** When it was seen first. */
  readonly since: number
  readonly until: number
}

/** The contacts in force, by their ids. */
export interface RegistrationState {
  readonly contacts: ReadonlyMap<string, ContactState>
  /** §4.7.1: `init` as long as nothing has been registered. */
  readonly phase: "init" | "active" | "terminated"
}

/** What nobody has looked at yet. */
export const nothingKnown: RegistrationState = { contacts: new Map(), phase: "init" }

/** What is left of a life is told in whole seconds, rounded up. */
const roundingMs = 1000

export function isActive({ event }: ContactState): boolean {
  return event !== "expired" && event !== "unregistered"
}

/** What follows when these bindings are found: the state, and the contacts that have changed. */
export function observe(before: RegistrationState, bindings: readonly Binding[], now: number): { state: RegistrationState; changes: ContactState[] } {
  const contacts = new Map<string, ContactState>()
  const changes: ContactState[] = []
  for (const binding of bindings) {
    const id = hash("sha256", Buffer.from(bindingKey(binding.contact, binding.parameters), "latin1"), "hex").slice(0, 16)
    const known = before.contacts.get(id)
    const contact = contactOf(id, binding, known, now)
    contacts.set(id, contact)
    if (contact !== known) changes.push(contact)
  }
  for (const known of before.contacts.values()) {
    if (contacts.has(known.id)) continue
    changes.push({ ...known, event: now >= known.until - roundingMs ? "expired" : "unregistered" })
  }
  const phase = contacts.size > 0 ? "active" : before.phase === "init" ? "init" : "terminated"
  return { state: { contacts, phase }, changes }
}

function contactOf(id: string, binding: Binding, known: ContactState | undefined, now: number): ContactState {
  const until = now + binding.expiresSeconds * 1000
  if (known === undefined) return { id, binding, event: "registered", since: now, until }
  const isSame = known.binding.callId === binding.callId && known.binding.cseq === binding.cseq
  return isSame ? known : { id, binding, event: "refreshed", since: known.since, until }
}
