/** The copy of a request that goes along one way (RFC 3261 §16.6), and the flow it goes on. */
import type { SipRequest } from "../message/index.ts"
import { formatHostPort } from "../transport/index.ts"
import type { Flow, TransportSet } from "../transport/index.ts"
import type { DialogTokens } from "./dialog-tokens.ts"
import { topRoute } from "./own-routes.ts"
import type { Way } from "./targets.ts"

export interface Outgoing {
  readonly request: SipRequest
  readonly flow: Flow
}

const initialMaxForwards = 70
/** Requests that may begin a dialog: the later ones have to find their way through us (§16.6 step 4). */
const dialogMethods: ReadonlySet<string> = new Set(["INVITE", "SUBSCRIBE", "REFER"])

/** Steps 1 to 7. `base` is the request with our own Routes taken off. Undefined where the way's flow has gone or none can be opened. */
export function prepare(base: SipRequest, way: Way, transports: TransportSet): Outgoing | undefined {
  const { next } = way
  const flow = "send" in next ? next : transports.flowTo(next)
  if (!flow?.isOpen) return undefined
  const request = base.clone()
  if (request.uri !== way.uri) request.uri = way.uri
  request.maxForwards = (request.maxForwards ?? initialMaxForwards + 1) - 1
  for (const route of way.routes.toReversed()) request.headers.prepend("Route", route)
  obeyStrictRouter(request)
  return { request, flow }
}

/** Step 6: a strict router wants its own URI as Request-URI, and the true one as the last Route. */
function obeyStrictRouter(request: SipRequest): void {
  const route = topRoute(request)
  if (!route || route.params.has("lr")) return
  request.headers.removeFirst("Route")
  request.headers.append("Route", `<${request.uri}>`)
  request.uri = route.toString()
}

/**
 * Step 4: one Record-Route for each side, also where both have the same
 * transport (RFC 5658): each carries the token of the flow to its side, so
 * that later requests find the phone behind NAT or on its connection.
 */
export function recordRoute({ request, flow }: Outgoing, incoming: Flow, tokens: DialogTokens): void {
  if (!dialogMethods.has(request.method) || request.to.tag !== undefined) return
  request.headers.prepend("Record-Route", recordRouteValue(incoming, request.callId, tokens))
  request.headers.prepend("Record-Route", recordRouteValue(flow, request.callId, tokens))
}

function recordRouteValue({ transport, key }: Flow, callId: string, tokens: DialogTokens): string {
  const { protocol, advertised } = transport
  // A peer of the overlay is found by the name in the next Route.
  const token = tokens.tokenOf(callId, protocol === "P2P" ? "" : key)
  return `<sip:${token}@${formatHostPort(advertised)};transport=${protocol.toLowerCase()};lr>`
}

/**
 * The Path of a phone whose flow this peer holds (RFC 3327, RFC 5626 §5.1),
 * for the registrar: through the overlay where there is one, else through the
 * listener that the phone uses.
 */
export function pathThrough(transports: TransportSet): (flow: Flow) => string {
  return (flow) => {
    const { protocol, advertised } = transports.transportFor("P2P") ?? flow.transport
    return `<sip:${transports.tokenOf(flow)}@${formatHostPort(advertised)};transport=${protocol.toLowerCase()};lr>`
  }
}
