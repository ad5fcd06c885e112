/**
 * Whether there is more to do than can be done, judged by how long messages
 * wait to be read: plain data and one pure transition for each look at the queue.
 *
 * A long queue alone is no overload. A process that was stopped, or starved by
 * others, comes back to old messages and works them off; who refuses then
 * refuses what it could do. So refusing begins only where, as CoDel demands
 * (RFC 8289), the wait has not once been short in a whole interval, and in
 * another one after it; where that hurts somebody, because requests are
 * repeated or dropped; and where the queue is not being worked off. With what
 * is dear it begins as soon as the wait hurts, where that grows for a good moment and
 * by a good part of it: what is let in meanwhile is repeated at every step.
 * From then on the probability is steered so that the wait stays near its
 * target, as PIE does (RFC 8033), until the queue is short.
 */

/** One look at the queue. */
export interface QueueSample {
  /** Milliseconds of a monotonic clock. */
  readonly now: number
  /** How long messages wait. */
  readonly delayMs: number
  /** How many probes the queue has dropped, ever: it is full. */
  readonly losses: number
}

/** What is known after a look. */
export interface Overload {
  /** With which a new request is to be refused; 0 while there is no overload. */
  readonly probability: number
  readonly last: QueueSample
  readonly interval: Interval
  /** The interval before, where there was one since the last pause. */
  readonly previous: Interval | undefined
  /** The first of the looks, since the wait was last short, that found it long. */
  readonly crossing: QueueSample | undefined
}

interface Interval {
  /** Time in which this process had its share of the processor. */
  readonly ranMs: number
  readonly shortestMs: number
  readonly lossesBefore: number
  readonly losses: number
}

/** Two of these are needed to begin. */
const intervalMs = 500
/** Who does not look for longer was stopped, or had nothing to do; what it finds then tells nothing of its capacity. */
const pauseMs = 200
/** A look that comes later was kept waiting, and stands for no more time than this. */
const maxRunMs = 50
/** Half of T1: what waits for longer may be repeated by its sender (RFC 3261 §17.1), and answered too late. */
const harmlessDelayMs = 250
/** The share of its wait by which a queue that is worked off must fall in an interval. */
const minFall = 0.1
const leastFirstProbability = 0.1
/**
 * Growth of the wait by the time that passes: half as much again comes as can be done, up to seven times as much. What
 * has come at once is steeper, as the last of it waits for as long as all of it takes; so is a process that is not let run.
 */
const steepGrowth = { least: 1 / 3, most: 0.85 }
/** A shorter growth may be a moment in which the process got less of the processor than it needs; twice as long, and all is sent again (T1). */
const minGrowthMs = 400
const maxStep = 0.1
/** Of each step: per second of wait beyond the target, and per second by which it grew. */
const proportional = 0.2
const derivative = 2

/** Nothing is known yet, and nobody refused. */
export const calm: Overload = freshStart({ now: -Infinity, delayMs: 0, losses: 0 })

/** Takes a look into account; `isEager` is for what is dear. */
export function observe(state: Overload, sample: QueueSample, targetDelayMs: number, isEager = false): Overload {
  const isPause = sample.now - state.last.now > pauseMs
  if (state.probability > 0) return steer(state, sample, { targetDelayMs, isPause })
  if (isPause || sample.delayMs <= targetDelayMs) return freshStart(sample)
  const crossing = state.crossing ?? sample
  const growth = growthBetween(crossing, sample)
  const isGrowing = sample.delayMs > state.last.delayMs && growth >= steepGrowth.least && growth <= steepGrowth.most
  if (isEager && isGrowing && sample.delayMs > harmlessDelayMs) return { ...freshStart(sample), probability: growth }
  const ranMs = state.interval.ranMs + Math.min(sample.now - state.last.now, maxRunMs)
  const shortestMs = Math.min(state.interval.shortestMs, sample.delayMs)
  const interval = { ...state.interval, ranMs, shortestMs, losses: sample.losses - state.interval.lossesBefore }
  if (ranMs < intervalMs) return { ...state, last: sample, interval, crossing }
  const isOverload = isStanding(interval, targetDelayMs) && isStanding(state.previous, targetDelayMs) && !isFalling(state.previous, interval)
  return { ...freshStart(sample), previous: interval, crossing, probability: isOverload ? Math.max(growth, leastFirstProbability) : 0 }
}

/** By what part of the time that passed the wait has grown: so much of what came was too much. 0 where too little time has passed to tell. */
function growthBetween(before: QueueSample, after: QueueSample): number {
  const passedMs = after.now - before.now
  return passedMs < minGrowthMs ? 0 : Math.min(1, (after.delayMs - before.delayMs) / passedMs)
}

/** Moves the probability. A queue that is nearly empty needs nobody to be refused, whatever was before. */
function steer(state: Overload, sample: QueueSample, about: { readonly targetDelayMs: number; readonly isPause: boolean }): Overload {
  const error = (sample.delayMs - about.targetDelayMs) / 1000
  // What grew during a pause says nothing of what comes and what is done.
  const growth = about.isPause ? 0 : (sample.delayMs - state.last.delayMs) / 1000
  const isShort = sample.delayMs < about.targetDelayMs / 4
  const step = isShort ? -maxStep : Math.max(-maxStep, Math.min(maxStep, proportional * error + derivative * growth))
  const probability = Math.max(0, Math.min(1, state.probability + step))
  return { ...freshStart(sample), probability }
}

function freshStart(sample: QueueSample): Overload {
  const interval = { ranMs: 0, shortestMs: Infinity, lossesBefore: sample.losses, losses: 0 }
  return { probability: 0, last: sample, interval, previous: undefined, crossing: undefined }
}

/** Whether messages have waited all the time, and so long that it matters. */
function isStanding(interval: Interval | undefined, targetDelayMs: number): interval is Interval {
  if (interval === undefined || interval.shortestMs <= targetDelayMs) return false
  return interval.shortestMs > harmlessDelayMs || interval.losses > 0
}

/** Whether a queue is being worked off: where some of it is dropped, its falling proves nothing. */
function isFalling(before: Interval, after: Interval): boolean {
  return after.losses === 0 && after.shortestMs < (1 - minFall) * before.shortestMs
}
