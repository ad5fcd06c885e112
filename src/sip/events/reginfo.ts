/** Registration documents, `application/reginfo+xml` (RFC 3680 §5), with public GRUUs (RFC 5628). Pure. */
import { hash } from "node:crypto"
import { formatQ, fromBinaryText, Params } from "../message/index.ts"
import { publicGruuOf } from "../registrar/gruus.ts"
import { instanceOf } from "../registrar/instance.ts"
import { isActive, type ContactState, type RegistrationState } from "./registration-state.ts"
import { escapeXml } from "./xml.ts"

export const reginfoType = "application/reginfo+xml"

/** What one document tells. */
export interface RegistrationDocument {
  /** 0 in the first of a subscription, then one more in each. */
  readonly version: number
  /** All contacts, not only those that have changed. */
  readonly isFull: boolean
  readonly addressOfRecord: string
  readonly phase: RegistrationState["phase"]
  readonly contacts: readonly ContactState[]
  /** On `Runtime.now()`. */
  readonly now: number
}

/** The document as UTF-8. */
export function reginfoOf(document: RegistrationDocument): Uint8Array {
  const { version, isFull, addressOfRecord, phase, contacts, now } = document
  const id = hash("sha256", Buffer.from(addressOfRecord, "latin1"), "hex").slice(0, 16)
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" xmlns:gr="urn:ietf:params:xml:ns:gruuinfo" version="${version}" state="${isFull ? "full" : "partial"}">
  <registration aor="${escape(addressOfRecord)}" id="${id}" state="${phase}">
${contacts.map((contact) => contactElement(addressOfRecord, contact, now)).join("")}  </registration>
</reginfo>
`
  return Buffer.from(xml, "utf8")
}

function contactElement(addressOfRecord: string, contact: ContactState, now: number): string {
  const { id, binding, event, since, until } = contact
  const attributes = [
    ["id", id],
    ["state", isActive(contact) ? "active" : "terminated"],
    ["event", event],
    ["duration-registered", String(Math.max(0, Math.floor((now - since) / 1000)))],
    ...(isActive(contact) ? [["expires", String(Math.max(0, Math.ceil((until - now) / 1000)))]] : []),
    ["q", formatQ(binding.qThousandths)],
    ["callid", binding.callId],
    ["cseq", String(binding.cseq)],
  ].map(([name, value = ""]) => `${name}="${escape(value)}"`)
  return `    <contact ${attributes.join(" ")}>
      <uri>${escape(binding.contact)}</uri>
${unknownParams(binding.parameters)}${gruuElement(addressOfRecord, contact)}    </contact>
`
}

/** Parameters that RFC 3261 does not know, quotation marks taken off. */
function unknownParams(parameters: string): string {
  const params = paramsIn(parameters)
  return [...params].map(([name]) => `      <unknown-param name="${escape(name)}">${escape(params.getUnquoted(name) ?? "")}</unknown-param>\n`).join("")
}

/** Temporary GRUUs stay what only the phone and those that it calls know. */
function gruuElement(addressOfRecord: string, { binding }: ContactState): string {
  const urn = binding.gruuLife === undefined ? undefined : instanceOf(binding.parameters)?.urn
  return urn === undefined ? "" : `      <gr:pub-gruu uri="${escape(publicGruuOf(addressOfRecord, urn))}"/>\n`
}

/** Bindings come from other peers as well. */
function paramsIn(parameters: string): Params {
  try {
    return Params.parse(parameters, 0, "Contact")
  } catch {
    return Params.none
  }
}

function escape(binary: string): string {
  return escapeXml(fromBinaryText(binary))
}
