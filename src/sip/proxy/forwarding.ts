/** The copy of a request that goes along one way (RFC 3261 §16.6), and the flow it goes on. */
import type { SipRequest } from "../message/index.ts"
import { formatHostPort, isSecure } from "../transport/index.ts"
import type { Flow, Transport, TransportSet } from "../transport/index.ts"
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

/**
 * Steps 1 to 7. `base` is the request with our own Routes taken off. Undefined
 * where the way's flow has gone, none can be opened, or it is not as secure as
 * the Request-URI demands (RFC 5630).
 */
export function prepare(base: SipRequest, way: Way, transports: TransportSet): Outgoing | undefined {
  const { next } = way
  const flow = "send" in next ? next : transports.flowTo(next)
  if (!flow?.isOpen || (/^sips:/i.test(way.uri) && !isSecure(flow.transport.protocol))) return undefined
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
  // RFC 6665 §4.3: for the subscriber it is the NOTIFY that makes the dialog, and its Record-Routes are the way back.
  const mayBegin = request.method === "NOTIFY" || (dialogMethods.has(request.method) && request.to.tag === undefined)
  if (!mayBegin) return
  for (const { transport, key } of [incoming, flow]) {
    // A peer of the overlay is found by the name in the next Route.
    const token = tokens.tokenOf(request.callId, transport.protocol === "P2P" ? "" : key)
    request.headers.prepend("Record-Route", ownRoute(token, transport, request.requestUri.isSips))
  }
}

/** Step 4: in a dialog of SIPS URIs ours is one as well. There TLS goes without saying, and `ws` stands for WSS (RFC 7118 §5.2). */
function ownRoute(token: string | undefined, { protocol, advertised }: Transport, isSips = false): string {
  const transport = protocol === "WSS" ? ";transport=ws" : protocol === "TLS" && isSips ? "" : `;transport=${protocol.toLowerCase()}`
  return `<${isSips ? "sips" : "sip"}:${token === undefined ? "" : `${token}@`}${formatHostPort(advertised)}${transport};lr>`
}

/**
 * The Service-Route of a phone (RFC 3608): the listener that it uses. No token
 * in it: it says where to send, over whatever flow the phone has to there.
 */
export function serviceRoute(flow: Flow, isSips: boolean): string {
  return ownRoute(undefined, flow.transport, isSips)
}

/**
 * The Path of a phone whose flow this peer holds (RFC 3327, RFC 5626 §5.1),
 * for the registrar: through the overlay where there is one, else through the
 * listener that the phone uses.
 */
export function pathThrough(transports: TransportSet): (flow: Flow, isEdge: boolean) => string {
  return (flow, isEdge) => {
    const route = ownRoute(transports.tokenOf(flow), transports.transportFor("P2P") ?? flow.transport)
    return isEdge ? `${route.slice(0, -1)};ob>` : route
  }
}
