/** Route information preprocessing (RFC 3261 §16.4), and what our own Routes say about where a request may go. */
import { parseNameAddress } from "../message/index.ts"
import type { SipRequest, SipUri } from "../message/index.ts"
import { refuse } from "../registrar/refusal.ts"
import type { ServedDomains } from "../registrar/served-domains.ts"
import { remoteOfKey } from "../transport/index.ts"
import type { Flow, TransportSet } from "../transport/index.ts"
import type { DialogTokens } from "./dialog-tokens.ts"

/** What the Routes that we have put there ourselves tell us. */
export interface OwnRoutes {
  /** A Record-Route of ours is among them: the request may go wherever its dialog leads. */
  readonly isInDialog: boolean
  /** The flow to the side that the request goes to; undefined where the next Route says it. */
  readonly dialogFlow: KnownFlow | undefined
  /** The address at the other end of `dialogFlow`, also when that is gone: nobody else may get what its token lets through. */
  readonly dialogHost: string | undefined
  /** The flow that a Path of ours names: we are the edge proxy of that phone. */
  readonly edgeFlow: KnownFlow | undefined
}

/** A flow that a token names; `gone` when it has ended. */
export type KnownFlow = Flow | "gone"

export interface RouteComponents {
  readonly domains: ServedDomains
  readonly transports: TransportSet
  readonly dialogTokens: DialogTokens
}

/**
 * Takes our Routes off the top of `request`: one, or both that a change of
 * transport has made two (RFC 5658). `incoming` is the flow that it came on. Throws a Refusal for a forged token.
 */
export function takeOwnRoutes(request: SipRequest, incoming: Flow, components: RouteComponents): OwnRoutes {
  undoStrictRouting(request, components)
  stripOwnMaddr(request, components)
  const { domains, transports, dialogTokens } = components
  let isInDialog = false
  let dialogKey = ""
  let edgeFlow: KnownFlow | undefined
  let ownCount = 0
  for (const route of request.headers.has("Route") ? request.headers.getAll("Route") : []) {
    const uri = parseNameAddress(route, "Route").parsedUri
    if (!domains.isOurs(uri)) break
    ownCount++
    if (uri.user === undefined) continue
    const key = dialogTokens.keyOf(request.callId, uri.user)
    if (key !== undefined) {
      isInDialog = true
      dialogKey = key
      edgeFlow = undefined
      continue
    }
    const flow = transports.flowOfToken(uri.user)
    // RFC 5626 §5.3: a token that was tampered with.
    if (flow === "forged") throw refuse(403, "Invalid Route Token")
    // §5.3.1: the phone's own flow, so the request comes from the phone and goes wherever else it leads.
    if (flow !== "gone" && flow.key === incoming.key) continue
    dialogKey = ""
    edgeFlow = flow
  }
  if (ownCount > 0) request.headers.dropFirst("Route", ownCount)
  return { isInDialog, ...flowOfKey(transports, dialogKey), edgeFlow }
}

function flowOfKey(transports: TransportSet, key: string): Pick<OwnRoutes, "dialogFlow" | "dialogHost"> {
  if (key === "") return { dialogFlow: undefined, dialogHost: undefined }
  const dialogHost = remoteOfKey(key)?.host
  for (const transport of transports.all) {
    const flow = transport.flowOf(key)
    if (flow !== undefined) return { dialogFlow: flow, dialogHost }
  }
  return { dialogFlow: "gone", dialogHost }
}

/** The URI of the topmost Route. Throws a SipSyntaxError where it is malformed. */
export function topRoute(request: SipRequest): SipUri | undefined {
  if (!request.headers.has("Route")) return undefined
  const [text] = request.headers.getAll("Route")
  return text === undefined ? undefined : parseNameAddress(text, "Route").parsedUri
}

/** §16.4: a Request-URI whose `maddr` is this element means the host in it, at its usual port and transport. */
function stripOwnMaddr(request: SipRequest, { domains }: RouteComponents): void {
  if (!request.uri.includes("maddr")) return
  const { requestUri } = request
  const maddr = requestUri.params.get("maddr")
  if (maddr === undefined || !domains.isOurs(requestUri.with({ host: maddr }))) return
  request.uri = requestUri.with({ port: undefined, params: requestUri.params.without("maddr").without("transport") }).toString()
}

/** §16.4: a strict router before us has put our Record-Route into the Request-URI, and the Request-URI behind the Routes. */
function undoStrictRouting(request: SipRequest, { dialogTokens }: RouteComponents): void {
  if (!request.headers.has("Route")) return
  const { requestUri } = request
  if (requestUri.user === undefined || dialogTokens.keyOf(request.callId, requestUri.user) === undefined) return
  const routes = request.headers.getAll("Route")
  const last = routes.pop()
  if (last === undefined) return
  request.headers.remove("Route")
  request.headers.append("Route", [`<${request.uri}>`, ...routes].join(", "))
  request.uri = parseNameAddress(last, "Route").uri
}
