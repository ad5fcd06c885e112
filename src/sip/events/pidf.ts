/** Presence documents, `application/pidf+xml` (RFC 3863): taken apart, and put together from several. Pure. */
import { hash } from "node:crypto"
import { fromBinaryText, SipSyntaxError } from "../message/index.ts"
import { escapeXml, parseXml, type XmlElement } from "./xml.ts"
import { writeXml } from "./xml-writer.ts"

export const pidfType = "application/pidf+xml"

/** One publication's part of a user's presence. */
export interface PresencePart {
  /** That of the publication. */
  readonly id: string
  readonly tuples: readonly XmlElement[]
  readonly notes: readonly XmlElement[]
  /** Of other namespaces: person and device (RFC 4479), and what else there may be. */
  readonly extensions: readonly XmlElement[]
}

const namespace = "urn:ietf:params:xml:ns:pidf"
/** A NOTIFY has to go through wherever a SUBSCRIBE came: what does not fit is left out. */
const maxBytes = 16_384
/** Written in all, also in vain: each element declares its namespaces anew, so that few bytes of a publication would become megabytes. */
const maxWrittenBytes = 4 * maxBytes

/** Throws a SipSyntaxError where it is no presence document. */
export function readPidf(id: string, document: Uint8Array): PresencePart {
  const presence = parseXml(document)
  if (!isPidf(presence, "presence")) throw new SipSyntaxError(400, "Not A Presence Document")
  const children = presence.children.filter((child) => typeof child !== "string")
  return {
    id,
    tuples: children.filter((child) => isPidf(child, "tuple")),
    notes: children.filter((child) => isPidf(child, "note")),
    extensions: children.filter((child) => child.namespace !== namespace && child.namespace !== ""),
  }
}

/**
 * The presence of a user: what the phones say of themselves, side by side, those
 * first with which the user can be reached. Where none says anything, that
 * the user can be reached if any phone is registered.
 */
export function composePidf(addressOfRecord: string, parts: readonly PresencePart[], isRegistered: boolean): Uint8Array {
  const ordered = parts.toSorted((one, other) => Number(isOpen(other)) - Number(isOpen(one)) || (one.id < other.id ? -1 : 1))
  const all = (["tuples", "notes", "extensions"] as const).flatMap((of) => ordered.flatMap(({ id, [of]: elements }) => elements.map((element) => ({ id, element }))))
  const entity = escapeXml(fromBinaryText(addressOfRecord))
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="${namespace}" entity="${entity}">\n`
  const end = "</presence>\n"
  let body = parts.length === 0 ? registeredTuple(entity, isRegistered) : ""
  let left = maxBytes - Buffer.byteLength(head + body + end)
  let written = 0
  for (const { id, element } of all) {
    if (written > maxWrittenBytes) break
    const text = `  ${writeElement(id, element)}\n`
    const length = Buffer.byteLength(text)
    written += length
    if (length > left) continue
    left -= length
    body += text
  }
  return Buffer.from(head + body + end, "utf8")
}

/** Calls to the address-of-record find the phones: their own addresses are nobody's business (RFC 3856 §7.2). */
function registeredTuple(entity: string, isRegistered: boolean): string {
  const contact = isRegistered ? `<contact>${entity}</contact>` : ""
  return `  <tuple id="registered"><status><basic>${isRegistered ? "open" : "closed"}</basic></status>${contact}</tuple>\n`
}

/** Identifiers of two phones may be the same, and must not be in one document. */
function writeElement(publication: string, element: XmlElement): string {
  const idFor = (id: string): string => `i${hash("sha256", `${publication} ${id}`, "hex").slice(0, 16)}`
  return writeXml(element, { defaultNamespace: namespace, idFor })
}

function isOpen({ tuples }: PresencePart): boolean {
  return tuples.some((tuple) => {
    const status = childOf(tuple, "status")
    const basic = status && childOf(status, "basic")
    return basic?.children.some((child) => typeof child === "string" && child.trim() === "open") === true
  })
}

function childOf({ children }: XmlElement, name: string): XmlElement | undefined {
  return children.find((child): child is XmlElement => typeof child !== "string" && isPidf(child, name))
}

function isPidf(element: XmlElement, name: string): boolean {
  return element.namespace === namespace && element.name === name
}
