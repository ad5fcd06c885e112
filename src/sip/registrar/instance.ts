/** Which device a contact is: its instance-id and flow number (RFC 5626 §4.1, §4.2). Pure. */
import { Params } from "../message/index.ts"

export interface Instance {
  /** The URN without its angle brackets: `urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6`. */
  readonly urn: string
  /** Undefined where the contact is no flow of Outbound's. */
  readonly flowNumber: string | undefined
}

/** Undefined for a contact without a URN. `parameters` as in a Binding. */
export function instanceOf(parameters: string): Instance | undefined {
  if (!/\+sip\.instance/i.test(parameters)) return undefined
  const params = paramsIn(parameters)
  if (params === undefined) return undefined
  const value = params.getUnquoted("+sip.instance")
  if (value === undefined || value.length < 3 || !value.startsWith("<") || !value.endsWith(">")) return undefined
  return { urn: value.slice(1, -1), flowNumber: params.get("reg-id") }
}

/** Bindings come from other peers as well. */
function paramsIn(parameters: string): Params | undefined {
  try {
    return Params.parse(parameters, 0, "Contact")
  } catch {
    return undefined
  }
}

/** URN of one device: those of UUIDs, and values of URI parameters, compare without case (RFC 8141 §3, RFC 3261 §19.1.4). */
export function isSameUrn(one: string, other: string): boolean {
  return one.length === other.length && one.toLowerCase() === other.toLowerCase()
}
