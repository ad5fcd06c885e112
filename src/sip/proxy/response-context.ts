/**
 * The response context (RFC 3261 §16.7): what a stateful proxy knows about the
 * branches of one request, and what it does about each thing that happens to
 * them. Plain data and pure transitions; `proxied-request.ts` does the I/O.
 *
 * A branch may have an alternate: another way to the same phone, started only
 * when the branch proves to lead nowhere. Branches have ranks: those of one
 * rank are tried together, and the next rank when they have come to nothing.
 */
import { bestOf } from "./best-response.ts"
import type { Ranked } from "./best-response.ts"

/**
 * waiting: to be started when there is room; reserve: only as an alternate;
 * trying, proceeding: sent, without and with a provisional response;
 * redirecting: answered 3xx, and somebody finds out where that leads;
 * done: final response, failure, or never needed;
 * abandoned: sent, not waited for any more, yet a 2xx would count;
 * superseded: abandoned after it had rung, so that a 2xx may be on its way: only a refusal waits for its end (§16.7 step 6).
 */
export type BranchState = "waiting" | "reserve" | "trying" | "proceeding" | "redirecting" | "done" | "abandoned" | "superseded"

export interface Branch {
  readonly state: BranchState
  /** The branch to start when this one leads nowhere. */
  readonly alternate: number | undefined
  /** It goes to one of several servers of a domain, of which another may do what this one cannot (RFC 3263 §4.3). */
  readonly isHop: boolean
  /** 0 is tried first. */
  readonly rank: number
}

/** What the context knows of a target: its preference, and its ways, the first to be tried first. */
export interface TargetShape {
  readonly qThousandths: number
  readonly ways: readonly { readonly isHop: boolean }[]
}

export interface ResponseContext<R extends Ranked> {
  readonly isInvite: boolean
  /** Branches that may be under way at a time (RFC 5393 §5.3.3). */
  readonly maxParallel: number
  readonly branches: readonly Branch[]
  /** Of the branches that are tried now. */
  readonly rank: number
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
  /** Those of this rank have rung for long enough. */
  | { readonly kind: "patience"; readonly rank: number }
  /** Somebody looks where the 3xx of this branch leads; `redirected` will follow. */
  | { readonly kind: "redirecting"; readonly branch: number }
  /** It leads to these targets. `response` is what remains for the caller, where not all of it is followed (§16.7 step 4). */
  | { readonly kind: "redirected"; readonly branch: number; readonly targets: readonly TargetShape[]; readonly response: R | undefined }
  /** The client has cancelled (§16.10). */
  | { readonly kind: "cancel" }

/** Why a branch is cancelled: for its Reason header (RFC 3326). */
export type CancelCause = "cancelled" | "answered" | "declined" | "superseded"

export type ContextAction<R extends Ranked> =
  | { readonly kind: "send"; readonly branch: number }
  | { readonly kind: "cancel"; readonly branch: number; readonly cause: CancelCause }
  /** Others wait for this rank to come to nothing: tell `patience` when it has rung for long enough. */
  | { readonly kind: "wait"; readonly rank: number }
  /** Send it upstream: a provisional response or a 2xx. */
  | { readonly kind: "forward"; readonly response: R }
  /** Send the best upstream; `best` undefined where no branch gave any. */
  | { readonly kind: "answer"; readonly best: R | undefined; readonly finals: readonly R[] }

export interface Step<R extends Ranked> {
  readonly context: ResponseContext<R>
  readonly actions: readonly ContextAction<R>[]
}

/** A context before its start. Branch numbers run through target after target, way after way. */
export function createContext<R extends Ranked>(isInvite: boolean, maxParallel: number, targets: readonly TargetShape[]): ResponseContext<R> {
  const branches = branchesOf(targets, 0, 0)
  return { isInvite, maxParallel, branches, rank: 0, finals: [], isClosed: false, isCancelled: false, isAnswered: false }
}

/** §16.6: equal q, equal rank; the highest first. */
function branchesOf(targets: readonly TargetShape[], firstNumber: number, firstRank: number): Branch[] {
  const levels = [...new Set(targets.map(({ qThousandths }) => qThousandths))].sort((a, b) => b - a)
  const branches: Branch[] = []
  for (const { qThousandths, ways } of targets) {
    const rank = firstRank + levels.indexOf(qThousandths)
    for (const [index, { isHop }] of ways.entries()) {
      const alternate = index + 1 < ways.length ? firstNumber + branches.length + 1 : undefined
      branches.push({ state: index === 0 ? "waiting" : "reserve", alternate, isHop, rank })
    }
  }
  return branches
}

/** What follows from `input`. Inputs that come too late change nothing. */
export function advance<R extends Ranked>(context: ResponseContext<R>, input: ContextInput<R>): Step<R> {
  switch (input.kind) {
    case "start":
      return proceed(context, waitIfOthersFollow(context))
    case "cancel":
      return cancel(context)
    case "silence":
      return silence(context, input.branch)
    case "patience":
      return patience(context, input.rank)
    case "failure":
      return failure(context, input.branch, input.response)
    case "response":
      return response(context, input.branch, input.response)
    case "redirecting":
      return { context: isPending(context, input.branch) ? withState(context, input.branch, "redirecting") : context, actions: [] }
    case "redirected":
      return redirected(context, input.branch, input.targets, input.response)
  }
}

function response<R extends Ranked>(context: ResponseContext<R>, branch: number, response: R): Step<R> {
  const { status } = response
  if (status < 200) return provisional(context, branch, response)
  if (status < 300) return success(context, branch, response)
  if (!isPending(context, branch)) return late(context, branch)
  // RFC 5626 §5.3.1: the flow is gone, which is not the phone's answer. RFC 3263 §4.3: a server that is overloaded has neighbours.
  if (status === 430 || (status === 503 && isHop(context, branch))) return failure(context, branch, response)
  const next = { ...withState(context, branch, "done"), finals: [...context.finals, response] }
  // §16.7 step 5: a 6xx is not forwarded at once, but ends the search.
  return status >= 600 ? proceed({ ...next, isClosed: true }, cancelPending(next, "declined")) : proceed(next, [])
}

/** What comes after the end of a branch; a 3xx has its own. */
function late<R extends Ranked>(context: ResponseContext<R>, branch: number): Step<R> {
  const state = context.branches[branch]?.state
  if (state === "redirecting") return { context, actions: [] }
  const next = withState(context, branch, "done")
  return state === "superseded" ? proceed(next, []) : { context: next, actions: [] }
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
  if (!isPending(context, branch)) return late(context, branch)
  const next = withState(context, branch, "done")
  // After a timeout of the phone's own flow the caller has waited long enough.
  const isFinal = response.status === 408 && !isHop(context, branch)
  const alternate = isFinal ? undefined : context.branches[branch]?.alternate
  if (alternate !== undefined && !context.isClosed) return proceed(withState(next, alternate, "waiting"), [])
  return proceed({ ...next, finals: [...context.finals, response] }, [])
}

function silence<R extends Ranked>(context: ResponseContext<R>, branch: number): Step<R> {
  const { state, alternate } = context.branches[branch] ?? {}
  if (state !== "trying" || alternate === undefined || context.isClosed) return { context, actions: [] }
  const next = withState(withState(context, branch, "abandoned"), alternate, "waiting")
  return proceed(next, [{ kind: "cancel", branch, cause: "superseded" }])
}

/** What becomes of the branches of a rank whose time is over. */
const passedOver: Readonly<Partial<Record<BranchState, BranchState>>> = { waiting: "done", trying: "abandoned", proceeding: "superseded" }

/** The next rank's turn. Whoever picks up in this moment is still heard. */
function patience<R extends Ranked>(context: ResponseContext<R>, rank: number): Step<R> {
  const hasOthers = context.branches.some((branch) => branch.state === "waiting" && branch.rank > rank)
  if (context.isClosed || rank !== context.rank || !hasOthers) return { context, actions: [] }
  const actions = cancelPending(context, "superseded")
  const branches = context.branches.map((branch) => {
    if (branch.rank !== rank) return branch
    return { ...branch, state: passedOver[branch.state] ?? branch.state }
  })
  return proceed({ ...context, branches }, actions)
}

/** §16.7 step 4: the contacts of a 3xx join the targets, before those that wait for their turn. */
function redirected<R extends Ranked>(
  context: ResponseContext<R>,
  branch: number,
  targets: readonly TargetShape[],
  response: R | undefined,
): Step<R> {
  if (context.branches[branch]?.state !== "redirecting") return { context, actions: [] }
  const done = withState(context, branch, "done")
  const finals = response === undefined ? done.finals : [...done.finals, response]
  if (context.isClosed) return proceed({ ...done, finals }, [])
  const added = branchesOf(targets, done.branches.length, done.rank)
  const extraRanks = Math.max(done.rank, ...added.map(({ rank }) => rank)) - done.rank
  const shifted = done.branches.map((other) => (other.rank > done.rank ? { ...other, rank: other.rank + extraRanks } : other))
  const next = { ...done, finals, branches: [...shifted, ...added] }
  return proceed(next, waitIfOthersFollow(next))
}

function cancel<R extends Ranked>(context: ResponseContext<R>): Step<R> {
  if (context.isAnswered || context.isCancelled) return { context, actions: [] }
  return proceed({ ...context, isClosed: true, isCancelled: true }, cancelPending(context, "cancelled"))
}

/** Starts what there is room for, turns to the next rank where this one has come to nothing, and answers when nothing is left to wait for. */
function proceed<R extends Ranked>(context: ResponseContext<R>, before: readonly ContextAction<R>[]): Step<R> {
  const actions = [...before]
  let underWay = context.branches.filter(isUnderWay).length
  let next = context
  if (!context.isClosed) {
    if (underWay === 0) next = nextRank(context, actions)
    for (const [number, { state, rank }] of next.branches.entries()) {
      if (state !== "waiting" || rank !== next.rank) continue
      if (underWay >= next.maxParallel) break
      underWay++
      next = withState(next, number, "trying")
      actions.push({ kind: "send", branch: number })
    }
  }
  const isOpen = underWay > 0 || next.branches.some(({ state }) => state === "superseded")
  if (isOpen || next.isAnswered) return { context: next, actions }
  actions.push({ kind: "answer", best: bestOf(next.finals), finals: next.finals })
  return { context: { ...next, isClosed: true, isAnswered: true }, actions }
}

/** The first rank in which something waits. */
function nextRank<R extends Ranked>(context: ResponseContext<R>, actions: ContextAction<R>[]): ResponseContext<R> {
  const waiting = context.branches.filter(({ state }) => state === "waiting").map(({ rank }) => rank)
  const rank = Math.min(...waiting)
  if (waiting.length === 0 || rank === context.rank) return context
  const next = { ...context, rank }
  actions.push(...waitIfOthersFollow(next))
  return next
}

function waitIfOthersFollow<R extends Ranked>({ branches, rank }: ResponseContext<R>): ContextAction<R>[] {
  return branches.some((branch) => branch.state === "waiting" && branch.rank > rank) ? [{ kind: "wait", rank }] : []
}

function cancelPending<R extends Ranked>(context: ResponseContext<R>, cause: CancelCause): ContextAction<R>[] {
  const actions: ContextAction<R>[] = []
  for (const [branch, state] of context.branches.entries()) {
    if (isSent(state)) actions.push({ kind: "cancel", branch, cause })
  }
  return actions
}

function isUnderWay({ state }: Branch): boolean {
  return state === "trying" || state === "proceeding" || state === "redirecting"
}

/** It may still answer. */
function isSent({ state }: Branch): boolean {
  return state === "trying" || state === "proceeding"
}

function isPending<R extends Ranked>(context: ResponseContext<R>, branch: number): boolean {
  const found = context.branches[branch]
  return found !== undefined && isSent(found)
}

function isHop<R extends Ranked>(context: ResponseContext<R>, branch: number): boolean {
  return context.branches[branch]?.isHop === true
}

function withState<R extends Ranked>(context: ResponseContext<R>, number: number, state: BranchState): ResponseContext<R> {
  const branch = context.branches[number]
  if (!branch || branch.state === state) return context
  return { ...context, branches: context.branches.with(number, { ...branch, state }) }
}
