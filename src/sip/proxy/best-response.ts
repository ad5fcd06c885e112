/** The choice among final responses (RFC 3261 §16.7 step 6). Pure. */

/** Whatever has a status. */
export interface Ranked {
  readonly status: number
}

/**
 * A 6xx before everything, else the lowest class. Within a class, first what
 * tells the caller how to try again, last what only says that nobody
 * answered; of equals the first that came.
 */
export function bestOf<R extends Ranked>(responses: readonly R[]): R | undefined {
  let best: R | undefined
  for (const response of responses) if (best === undefined || rank(response.status) < rank(best.status)) best = response
  return best
}

function rank(status: number): number {
  if (status >= 600) return 0
  return Math.floor(status / 100) * 10 + rankInClass(status)
}

function rankInClass(status: number): number {
  switch (status) {
    case 401:
    case 407:
      return 0
    case 415:
    case 420:
    case 484:
      return 1
    // Another branch's answer says more about the callee.
    case 408:
    case 430:
    case 480:
    case 487:
    case 503:
      return 3
    default:
      return 2
  }
}
