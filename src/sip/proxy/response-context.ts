/**
 * The response context (RFC 3261 §16.7): what a stateful proxy knows about the
 * branches of one request, and what it does about each thing that happens to
 * them. Plain data and pure transitions; `proxied-request.ts` does the I/O.
 *
 * A branch may have an alternate: another way to the same phone, started only
 * when the branch proves to lead nowhere.
 */
import { bestOf } from "./best-response.ts"
import type { Ranked } from "./best-response.ts"

/**
 * waiting: to be started when there is room; reserve: only as an alternate;
 * trying, proceeding: sent, without and with a provisional response;
 * done: final response, failure, or never needed;
 * abandoned: sent, not waited for any more, yet a 2xx would count.
 */
export type BranchState = "waiting" | "reserve" | "trying" | "proceeding" | "done" | "abandoned"

export interface Branch {
  readonly state: BranchState
  /** The branch to start when this one leads nowhere. */
  readonly alternate: number | undefined
}

export interface ResponseContext<R extends Ranked> {
  readonly isInvite: boolean
  /** Branches that may be under way at a time (RFC 5393 §5.3.3). */
  readonly maxParallel: number
  readonly branches: readonly Branch[]
  /** Final responses other than 2xx. */
  readonly finals: readonly R[]
  /** No branch is started any more: cancelled from upstream, answered, or declined for all. */
  readonly isClosed: boolean
  readonly isCancelled: boolean
  /** A final response has gone upstream. */
  readonly isAnswered: boolean
}

export type ContextInput<R extends Ranked> =
  | { readonly kind: "start" }
  | { readonly kind: "response"; readonly branch: number; readonly response: R }
  /** Timer B, C or F, a broken flow, or no flow to begin with. `response` is what it counts as (§16.8, §16.9). */
  | { readonly kind: "failure"; readonly branch: number; readonly response: R }
  /** Nothing at all has come back for longer than a working hop would take. */
  | { readonly kind: "silence"; readonly branch: number }
  /** The client has cancelled (§16.10). */
  | { readonly kind: "cancel" }

/** Why a branch is cancelled: for its Reason header (RFC 3326). */
export type CancelCause = "cancelled" | "answered" | "declined" | "superseded"

export type ContextAction<R extends Ranked> =
  | { readonly kind: "send"; readonly branch: number }
  | { readonly kind: "cancel"; readonly branch: number; readonly cause: CancelCause }
  /** Send it upstream: a provisional response or a 2xx. */
  | { readonly kind: "forward"; readonly response: R }
  /** Send the best upstream; `best` undefined where no branch gave any. */
  | { readonly kind: "answer"; readonly best: R | undefined; readonly finals: readonly R[] }

export interface Step<R extends Ranked> {
  readonly context: ResponseContext<R>
  readonly actions: readonly ContextAction<R>[]
}

/** A context before its start. `alternates[i]` ways stand behind target i; branch numbers run through target after target. */
export function createContext<R extends Ranked>(isInvite: boolean, maxParallel: number, alternates: readonly number[]): ResponseContext<R> {
  const branches: Branch[] = []
  for (const count of alternates) {
    for (let i = 0; i <= count; i++) {
      const alternate = i < count ? branches.length + 1 : undefined
      branches.push({ state: i === 0 ? "waiting" : "reserve", alternate })
    }
  }
  return { isInvite, maxParallel, branches, finals: [], isClosed: false, isCancelled: false, isAnswered: false }
}

/** What follows from `input`. Inputs that come too late change nothing. */
export function advance<R extends Ranked>(context: ResponseContext<R>, input: ContextInput<R>): Step<R> {
  switch (input.kind) {
    case "start":
      return proceed(context, [])
    case "cancel":
      return cancel(context)
    case "silence":
      return silence(context, input.branch)
    case "failure":
      return failure(context, input.branch, input.response)
    case "response":
      return response(context, input.branch, input.response)
  }
}

function response<R extends Ranked>(context: ResponseContext<R>, branch: number, response: R): Step<R> {
  const { status } = response
  if (status < 200) return provisional(context, branch, response)
  if (status < 300) return success(context, branch, response)
  if (!isPending(context, branch)) return { context: withState(context, branch, "done"), actions: [] }
  // RFC 5626 §5.3.1: the flow is gone, which is not the phone's answer.
  if (status === 430) return failure(context, branch, response)
  const next = { ...withState(context, branch, "done"), finals: [...context.finals, response] }
  // §16.7 step 5: a 6xx is not forwarded at once, but ends the search.
  return status >= 600 ? proceed({ ...next, isClosed: true }, cancelPending(next, "declined")) : proceed(next, [])
}

/** §16.7 step 5: everything above 100 goes upstream until a final response has. */
function provisional<R extends Ranked>(context: ResponseContext<R>, branch: number, response: R): Step<R> {
  if (!isPending(context, branch)) return { context, actions: [] }
  const next = withState(context, branch, "proceeding")
  // RFC 4320 §4.1: to other requests than INVITE there is no provisional response but 100, which is hop by hop.
  const isForwarded = response.status > 100 && context.isInvite && !context.isAnswered
  return { context: next, actions: isForwarded ? [{ kind: "forward", response }] : [] }
}

/** §16.7 step 5: every 2xx to an INVITE goes upstream, from whatever branch and however late; step 10: the others are cancelled. */
function success<R extends Ranked>(context: ResponseContext<R>, branch: number, response: R): Step<R> {
  const next = withState(context, branch, "done")
  if (context.isAnswered && !context.isInvite) return { context: next, actions: [] }
  return {
    context: { ...next, isClosed: true, isAnswered: true },
    actions: [{ kind: "forward", response }, ...cancelPending(next, "answered")],
  }
}

function failure<R extends Ranked>(context: ResponseContext<R>, branch: number, response: R): Step<R> {
  if (!isPending(context, branch)) return { context: withState(context, branch, "done"), actions: [] }
  const next = withState(context, branch, "done")
  // After a timeout the caller has waited long enough.
  const alternate = response.status === 408 ? undefined : context.branches[branch]?.alternate
  if (alternate !== undefined && !context.isClosed) return proceed(withState(next, alternate, "waiting"), [])
  return proceed({ ...next, finals: [...context.finals, response] }, [])
}

function silence<R extends Ranked>(context: ResponseContext<R>, branch: number): Step<R> {
  const { state, alternate } = context.branches[branch] ?? {}
  if (state !== "trying" || alternate === undefined || context.isClosed) return { context, actions: [] }
  const next = withState(withState(context, branch, "abandoned"), alternate, "waiting")
  return proceed(next, [{ kind: "cancel", branch, cause: "superseded" }])
}

function cancel<R extends Ranked>(context: ResponseContext<R>): Step<R> {
  if (context.isAnswered || context.isCancelled) return { context, actions: [] }
  return proceed({ ...context, isClosed: true, isCancelled: true }, cancelPending(context, "cancelled"))
}

/** Starts what there is room for, and answers when nothing is left to wait for. */
function proceed<R extends Ranked>(context: ResponseContext<R>, before: readonly ContextAction<R>[]): Step<R> {
  const actions = [...before]
  let underWay = context.branches.filter(isUnderWay).length
  let next = context
  if (!context.isClosed) {
    for (const [number, { state }] of context.branches.entries()) {
      if (state !== "waiting") continue
      if (underWay >= context.maxParallel) break
      underWay++
      next = withState(next, number, "trying")
      actions.push({ kind: "send", branch: number })
    }
  }
  if (underWay > 0 || next.isAnswered) return { context: next, actions }
  actions.push({ kind: "answer", best: bestOf(next.finals), finals: next.finals })
  return { context: { ...next, isClosed: true, isAnswered: true }, actions }
}

function cancelPending<R extends Ranked>(context: ResponseContext<R>, cause: CancelCause): ContextAction<R>[] {
  const actions: ContextAction<R>[] = []
  for (const [branch, state] of context.branches.entries()) {
    if (isUnderWay(state)) actions.push({ kind: "cancel", branch, cause })
  }
  return actions
}

function isUnderWay({ state }: Branch): boolean {
  return state === "trying" || state === "proceeding"
}

function isPending<R extends Ranked>(context: ResponseContext<R>, branch: number): boolean {
  const found = context.branches[branch]
  return found !== undefined && isUnderWay(found)
}

function withState<R extends Ranked>(context: ResponseContext<R>, number: number, state: BranchState): ResponseContext<R> {
  const branch = context.branches[number]
  if (!branch || branch.state === state) return context
  return { ...context, branches: context.branches.with(number, { ...branch, state }) }
}
