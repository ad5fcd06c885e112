/** A dialog (RFC 3261 §12): what later requests of a call are made from. */
import { parseNameAddress, SipRequest, SipSyntaxError } from "../message/index.ts"
import type { NameAddress, SipMessage, SipResponse, SipUri } from "../message/index.ts"

/** Requests whose Contact is where later ones go (RFC 3261 §12.2, RFC 6665 §4.4.1). */
const targetRefreshes: ReadonlySet<string> = new Set(["INVITE", "SUBSCRIBE"])

/** Nothing passes more proxies than Max-Forwards lets it, 70 as a rule, and each may record itself twice (RFC 5658). */
const maxRoutes = 140

/** One side of a dialog. Whatever begins it is read at once: a SipSyntaxError tells what no later request could be made from. */
export class Dialog {
  readonly callId: string
  readonly remoteTag: string | undefined
  readonly #localAddress: string
  readonly #remoteAddress: string
  readonly #routes: readonly string[]
  /** That of the first route. */
  readonly #firstHop: SipUri | undefined
  #remoteTarget: SipUri
  #localCSeq: number
  #remoteCSeq: number

  private constructor(parts: { message: SipMessage; local: string; remote: NameAddress; routes: string[]; localCSeq: number; remoteCSeq: number }) {
    this.callId = parts.message.callId
    this.remoteTag = parts.remote.tag
    this.#localAddress = parts.local
    this.#remoteAddress = parts.remote.toString()
    this.#routes = parts.routes
    this.#firstHop = hopsOf(parts.routes)[0]
    this.#remoteTarget = contactOf(parts.message) ?? parts.remote.parsedUri
    this.#localCSeq = parts.localCSeq
    this.#remoteCSeq = parts.remoteCSeq
  }

  /** The caller's side, from a response to its INVITE (§12.1.2). */
  static ofCaller(response: SipResponse): Dialog {
    const local = response.from.toString()
    const routes = response.headers.getAll("Record-Route").reverse()
    return new Dialog({ message: response, local, remote: response.to, routes, localCSeq: response.cseq.number, remoteCSeq: -1 })
  }

  /** The callee's side, from the INVITE or SUBSCRIBE and the tag put into its response (§12.1.1). */
  static ofCallee(invite: SipRequest, localTag: string): Dialog {
    const local = invite.to.withParam("tag", localTag).toString()
    const routes = invite.headers.getAll("Record-Route")
    return new Dialog({ message: invite, local, remote: invite.from, routes, localCSeq: 0, remoteCSeq: invite.cseq.number })
  }

  /** A request within the dialog, without Via (§12.2.1.1). An ACK takes the number of its INVITE. */
  request(method: string, inviteCSeq?: number): SipRequest {
    const cseq = inviteCSeq ?? ++this.#localCSeq
    const { uri, routes } = this.#wayOut()
    return SipRequest.create(method, uri, [
      ["Max-Forwards", "70"],
      ...routes.map((route): [string, string] => ["Route", route]),
      ["From", this.#localAddress],
      ["To", this.#remoteAddress],
      ["Call-ID", this.callId],
      ["CSeq", `${cseq} ${method}`],
    ])
  }

  /** Where the next request goes first: its top Route, or the remote target. */
  get nextHop(): SipUri {
    return this.#firstHop ?? this.#remoteTarget
  }

  /** Notes a request of the other side; false for one that is older than another (§12.2.2). */
  accept(request: SipRequest): boolean {
    if (request.cseq.number <= this.#remoteCSeq) return false
    this.#remoteCSeq = request.cseq.number
    if (targetRefreshes.has(request.method)) this.#remoteTarget = contactOf(request) ?? this.#remoteTarget
    return true
  }

  /** A strict router wants its own URI, as a Request-URI may be (§19.1.1), and the remote target as the last Route. */
  #wayOut(): { uri: string; routes: readonly string[] } {
    const hop = this.#firstHop
    if (hop === undefined || hop.params.has("lr")) return { uri: this.#remoteTarget.toString(), routes: this.#routes }
    const uri = hop.with({ headers: undefined, params: hop.params.without("method") }).toString()
    return { uri, routes: [...this.#routes.slice(1), `<${this.#remoteTarget.toString()}>`] }
  }
}

function hopsOf(routes: readonly string[]): SipUri[] {
  if (routes.length > maxRoutes) throw new SipSyntaxError(400, "Too Many Record-Routes")
  const hops = routes.map((route) => parseNameAddress(route, "Record-Route").parsedUri)
  if (hops.some(({ isSip }) => !isSip)) throw new SipSyntaxError(400, "Expected a SIP URI in Record-Route")
  return hops
}

function contactOf(message: SipMessage): SipUri | undefined {
  const [contact] = message.headers.getAll("Contact")
  return contact === undefined ? undefined : parseNameAddress(contact, "Contact").parsedUri
}
