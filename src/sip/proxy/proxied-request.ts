/** One request on its way through the proxy: the I/O around a response context. */
import type { Runtime, Timer } from "../../runtime/runtime.ts"
import { createResponse, formatReason } from "../message/index.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"
import type { ClientHandlers, ClientTransaction, ServerTransaction } from "../transaction/index.ts"
import { EarlyDialogs } from "./early-dialogs.ts"
import { advance, createContext } from "./response-context.ts"
import type { CancelCause, ContextAction, ContextInput, ResponseContext } from "./response-context.ts"
import type { Target, Way } from "./targets.ts"

/** The times that a proxied request obeys, in milliseconds. */
export interface ForwardingTimes {
  /** Timer C (RFC 3261 §16.6 step 11). */
  readonly timerCMs: number
  /** How long another peer may be silent on an INVITE before the next way to the same phone is tried. */
  readonly silenceMs: number
  /** The same for other requests. */
  readonly nonInviteSilenceMs: number
  /** How long one of several servers of a domain may be silent on an INVITE before the next one is tried. */
  readonly hopSilenceMs: number
  /** How long the phones of one q may ring while others wait. */
  readonly ringMs: number
}

/** What all proxied requests need of the proxy. */
export interface ForwardingComponents {
  readonly runtime: Runtime
  readonly times: ForwardingTimes
  /** Somebody who should have answered has not: others are tried first for a while. */
  suspect(way: Way): void
  /** For a To that has none. */
  newTag(): string
}

/** How one request gets away. It is let go of when no branch will be started any more. */
export interface Dispatch {
  /** Sends the request along a way; undefined where the way leads nowhere. */
  send(way: Way, handlers: ClientHandlers): ClientTransaction | undefined
  /** Where a 3xx leads, as far as it is followed; undefined where it is not. */
  redirect(response: SipResponse): Promise<Redirection> | undefined
}

/** Where a 3xx leads. */
export interface Redirection {
  readonly targets: readonly Target[]
  /** What the caller has to follow itself; undefined where nothing is left. */
  readonly rest: SipResponse | undefined
}

/** Where a request goes, and what counts as failure. */
export interface ForwardingPlan {
  readonly targets: readonly Target[]
  readonly maxParallel: number
  /** What it counts as when a way leads nowhere: see `Destination`. */
  readonly unreachableStatus: number
}

interface BranchWork {
  /** Until its final response: what lingers after that should not keep it. */
  way: Way | undefined
  client: ClientTransaction | undefined
  timerC: Timer | undefined
  /** Runs until anything at all comes back. */
  silence: Timer | undefined
}

const maxChallenges = 32
const completedElsewhere = formatReason({ protocol: "SIP", cause: 200, text: "Call completed elsewhere" })
const declinedElsewhere = formatReason({ protocol: "SIP", cause: 603, text: "Declined elsewhere" })

/** See the head of this file. Started once; it ends with its transactions. */
export class ProxiedRequest {
  readonly #components: ForwardingComponents
  readonly #server: ServerTransaction
  readonly #unreachableStatus: number
  /** Of what is answered here. */
  #toTag: string | undefined
  readonly #branches: BranchWork[]
  readonly #earlyDialogs = new EarlyDialogs()
  #dispatch: Dispatch | undefined
  #context: ResponseContext<SipResponse>
  /** The Reason of the client's CANCEL, passed on (RFC 3326 §2). */
  #cancelReason: string | undefined
  #patience: Timer | undefined

  constructor(components: ForwardingComponents, server: ServerTransaction, dispatch: Dispatch, plan: ForwardingPlan) {
    this.#components = components
    this.#server = server
    this.#dispatch = dispatch
    this.#unreachableStatus = plan.unreachableStatus
    this.#context = createContext(server.method === "INVITE", plan.maxParallel, plan.targets)
    this.#branches = branchesFor(plan.targets)
  }

  start(): void {
    this.#server.onCancel((cancel) => this.#onCancel(cancel))
    this.#apply({ kind: "start" })
  }

  #onCancel(cancel: SipRequest): void {
    if (cancel.headers.has("Reason")) this.#cancelReason = cancel.headers.getAll("Reason").join(", ")
    this.#apply({ kind: "cancel" })
  }

  #apply(input: ContextInput<SipResponse>): void {
    const { context, actions } = advance(this.#context, input)
    this.#context = context
    for (const action of actions) this.#perform(action)
    if (this.#context.isClosed) this.#dispatch = undefined
  }

  #perform(action: ContextAction<SipResponse>): void {
    switch (action.kind) {
      case "send":
        this.#send(action.branch)
        break
      case "cancel":
        this.#branches[action.branch]?.client?.cancel(this.#reasonFor(action.cause))
        break
      case "wait":
        this.#startPatience(action.rank)
        break
      case "forward":
        if (action.response.status >= 200) this.#patience?.cancel()
        this.#server.respond(action.response)
        break
      case "answer":
        this.#patience?.cancel()
        this.#server.respond(this.#answer(action.best, action.finals))
        break
    }
  }

  #send(number: number): void {
    const branch = this.#branches[number]
    const way = branch?.way
    if (!branch || !way) return
    const handlers: ClientHandlers = {
      onResponse: (response) => this.#onResponse(number, branch, response),
      onTimeout: () => this.#onFailure(number, branch, 408),
      onTransportError: () => this.#onFailure(number, branch, this.#unreachableStatus),
      onEnd: () => endWaits(branch),
    }
    branch.client = this.#dispatch?.send(way, handlers)
    if (!branch.client) {
      this.#onFailure(number, branch, this.#unreachableStatus)
      return
    }
    this.#startTimerC(branch)
    const hasAlternate = this.#context.branches[number]?.alternate !== undefined
    if (hasAlternate && (way.isHop || branch.client.flow.transport.protocol === "P2P")) this.#startSilenceTimer(number, branch, way)
  }

  /**
   * A Link tells nobody that a frame was lost, and with 32 seconds for each
   * server (RFC 3263 §4.3) no caller would wait for the third one. A phone's
   * own flow is left alone: whoever answers slowly would get the request twice.
   */
  #startSilenceTimer(number: number, branch: BranchWork, way: Way): void {
    const { runtime, times } = this.#components
    const inviteMs = way.isHop ? times.hopSilenceMs : times.silenceMs
    branch.silence = runtime.setTimer(this.#context.isInvite ? inviteMs : times.nonInviteSilenceMs, () => {
      this.#components.suspect(way)
      this.#apply({ kind: "silence", branch: number })
    })
  }

  #onResponse(number: number, branch: BranchWork, response: SipResponse): void {
    // §16.7 step 3. The other Vias are those of the request that came, whatever the callee has made of them:
    // a response that lost its way would leave the caller, and the transaction, without an end.
    response.headers.replaceFrom(this.#server.request.headers, "Via")
    branch.silence?.cancel()
    if (response.status >= 200) endWaits(branch)
    // §16.7 step 2: the callee is still there, which a 100 says of its next hop only.
    else if (response.status > 100) this.#startTimerC(branch)
    if (response.status === 503) this.#suspect(branch)
    if (response.status >= 200) branch.way = undefined
    if (response.status < 200 && !this.#context.isAnswered) this.#earlyDialogs.note(number, response, this.#server.request)
    const redirection = response.status >= 300 && response.status < 400 ? this.#dispatch?.redirect(response) : undefined
    if (redirection === undefined) this.#apply({ kind: "response", branch: number, response })
    else this.#follow(number, response, redirection)
    if (response.status >= 300) this.#endEarlyDialogs(number, response.status)
  }

  #endEarlyDialogs(number: number, status: number): void {
    if (this.#context.isAnswered) return
    for (const response of this.#earlyDialogs.end(number, status, this.#server.request)) this.#server.respond(response)
  }

  /** §16.7 step 4. What cannot be found out stays the caller's business. */
  #follow(number: number, response: SipResponse, redirection: Promise<Redirection>): void {
    this.#apply({ kind: "redirecting", branch: number })
    redirection
      .catch((): Redirection => ({ targets: [], rest: response }))
      .then(({ targets, rest }) => {
        if (!this.#context.isClosed) this.#branches.push(...branchesFor(targets))
        this.#apply({ kind: "redirected", branch: number, targets, response: rest })
      })
      .catch((error: unknown) => this.#components.runtime.log.error({ error }, "a redirection met a defect of this program"))
  }

  #startPatience(rank: number): void {
    const { runtime, times } = this.#components
    if (this.#patience === undefined) this.#server.onEnd(() => this.#patience?.cancel())
    this.#patience?.cancel()
    this.#patience = runtime.setTimer(times.ringMs, () => this.#apply({ kind: "patience", rank }))
  }

  #onFailure(number: number, branch: BranchWork, status: number): void {
    endWaits(branch)
    this.#suspect(branch)
    const response = this.#ownResponse(status)
    this.#apply({ kind: "failure", branch: number, response })
    this.#endEarlyDialogs(number, status)
  }

  #suspect({ way }: BranchWork): void {
    if (way) this.#components.suspect(way)
  }

  /** §16.8: an INVITE that rings for ever is cancelled, and ends with a 487 or a timeout. Other requests have timer F. */
  #startTimerC(branch: BranchWork): void {
    if (!this.#context.isInvite) return
    branch.timerC?.cancel()
    const { runtime, times } = this.#components
    branch.timerC = runtime.setTimer(times.timerCMs, () => branch.client?.cancel())
  }

  #reasonFor(cause: CancelCause): string | undefined {
    switch (cause) {
      case "answered":
        return completedElsewhere
      case "declined":
        return declinedElsewhere
      case "cancelled":
        return this.#cancelReason
      case "superseded":
        return undefined
    }
  }

  /** §16.7 steps 6 to 9. */
  #answer(best: SipResponse | undefined, finals: readonly SipResponse[]): SipResponse {
    const isSilent = best === undefined || best.status === 408
    if (this.#context.isCancelled && isSilent) return this.#ownResponse(487)
    if (best === undefined) return this.#ownResponse(this.#unreachableStatus)
    // The peer of the phone has lost it: to the caller, the phone is not there just now.
    if (best.status === 430) return this.#ownResponse(this.#unreachableStatus)
    // Step 6: 503 would say that this proxy can serve nobody.
    if (best.status === 503) return this.#ownResponse(500)
    if (best.status === 401 || best.status === 407) addChallenges(best, finals)
    return best
  }

  #ownResponse(status: number): SipResponse {
    this.#toTag ??= this.#components.newTag()
    return createResponse(this.#server.request, status, undefined, { toTag: this.#toTag })
  }
}

function endWaits(branch: BranchWork): void {
  branch.timerC?.cancel()
  branch.silence?.cancel()
  branch.timerC = branch.silence = undefined
}

function branchesFor(targets: readonly Target[]): BranchWork[] {
  return targets.flatMap(({ ways }) => ways).map((way) => ({ way, client: undefined, timerC: undefined, silence: undefined }))
}

/** §16.7 step 7: the caller can satisfy all branches at once, as far as one message can tell it. */
function addChallenges(best: SipResponse, finals: readonly SipResponse[]): void {
  for (const name of ["WWW-Authenticate", "Proxy-Authenticate"]) {
    for (const other of finals) {
      if (other === best || (other.status !== 401 && other.status !== 407)) continue
      for (const challenge of other.headers.getAll(name)) {
        if (best.headers.count(name) < maxChallenges && !best.headers.isFull) best.headers.append(name, challenge)
      }
    }
  }
}
