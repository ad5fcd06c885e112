/** When a registration is one flow of several of a phone (RFC 5626 §6). Pure. */
import { optionTags, parseNameAddress } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import { refuse } from "./refusal.ts"

/**
 * - `none`: the phone asks for nothing of the kind.
 * - `ignored`: its reg-id means nothing, because the first hop keeps no flow.
 * - `applied`: instance and reg-id name the binding.
 * - `confirmed`: the same, and the phone is to be told.
 */
export type OutboundUse = "none" | "ignored" | "applied" | "confirmed"

/** Throws a Refusal with 439 where the phone wants what its first hop cannot do. `path` are the values of other proxies. */
export function outboundUse(request: SipRequest, path: readonly string[]): OutboundUse {
  const { headers } = request
  if (!headers.getAll("Contact").some(hasFlowNumber)) return "none"
  const isWanted = headers.has("Supported") && optionTags(headers, "Supported").has("outbound")
  if (!isFirstHop(request) && !hasOutboundEdge(path)) {
    if (isWanted) throw refuse(439, "First Hop Lacks Outbound Support")
    return "ignored"
  }
  return isWanted ? "confirmed" : "applied"
}

/** Nobody but the phone has put a Via. */
export function isFirstHop({ headers }: SipRequest): boolean {
  return headers.getAll("Via").length === 1
}

/** Both are needed: a reg-id without an instance is ignored. Finds them by name, without a parse: most contacts have neither. */
function hasFlowNumber(contact: string): boolean {
  if (!/;\s*reg-id\s*=/i.test(contact) || !/\+sip\.instance\s*=/i.test(contact)) return false
  const { params } = parseNameAddress(contact, "Contact")
  const flowNumber = params.get("reg-id")
  if (flowNumber === undefined || !params.has("+sip.instance")) return false
  if (!/^\d{1,10}$/.test(flowNumber) || Number(flowNumber) < 1 || Number(flowNumber) >= 2 ** 31) throw refuse(400, "Malformed reg-id")
  return true
}

/** The proxy next to the phone has put the last value (RFC 3327 §5.2), and says there that it keeps the flow. */
function hasOutboundEdge(path: readonly string[]): boolean {
  const last = path.at(-1)
  return last !== undefined && parseNameAddress(last, "Path").parsedUri.params.has("ob")
}
