/**
 * How well this node and another hear each other on one interface: plain data
 * and what beacons and silence make of it.
 */
import type { Address } from "./address.ts"
import type { Beacon } from "./beacon.ts"

/** One end of a link. The other end's half is what its beacons say of this node. */
export interface Hearing {
  readonly address: Address
  readonly epoch: number
  /** Number of the last beacon that came. */
  readonly sequence: number
  /** The last beacons, the newest at the lowest bit: 1 came, 0 got lost. */
  readonly history: number
  /** So many bits of it mean something. */
  readonly span: number
  readonly heardAt: number
  readonly intervalMs: number
  /** How well the other one hears this node, as it says; 0 when it does not. */
  readonly echo: number
  /** Whether this is a link at present. */
  readonly isUp: boolean
}

const window = 16
const windowMask = 2 ** window - 1
/** A link comes up where at least so large a share of what either says is heard by the other, both shares multiplied… */
const upQuality = 0.4
/** …and stays until it is worse than this. */
const downQuality = 0.15
/** Beacons of which so many come early or late count for what they are. */
const wantedBeacons = 2
/** Without any for so many intervals, the other one is gone. */
const silentIntervals = 3.5

/** What the first beacon of a process says; `self` is this node. */
export function firstHeard(beacon: Beacon, self: Address, now: number): Hearing {
  const { address, epoch, sequence, intervalMs } = beacon
  return { address, epoch, sequence, history: 1, span: 1, heardAt: now, intervalMs, echo: echoOf(beacon, self), isUp: false }
}

/** The next beacon of the same process; undefined when it is an old one. */
export function heardAgain(hearing: Hearing, beacon: Beacon, self: Address, now: number): Hearing | undefined {
  const step = (beacon.sequence - hearing.sequence) >>> 0
  if (step === 0 || step > 0x7fff_ffff) return undefined
  const history = step < window ? ((hearing.history << step) | 1) & windowMask : 1
  const span = Math.min(window, hearing.span + step)
  const next = { ...hearing, sequence: beacon.sequence, history, span, heardAt: now, intervalMs: beacon.intervalMs, echo: echoOf(beacon, self) }
  return { ...next, isUp: isLink(next, now) }
}

/** What silence makes of it. */
export function heardNothing(hearing: Hearing, now: number): Hearing {
  return hearing.isUp && !isLink(hearing, now) ? { ...hearing, isUp: false } : hearing
}

/** Nothing has come for so long that it is as good as unknown. */
export function isSilent({ heardAt, intervalMs }: Hearing, now: number): boolean {
  return now - heardAt > silentIntervals * intervalMs
}

/** The share of beacons that came lately. */
export function qualityOf({ history, span, heardAt, intervalMs }: Hearing, now: number): number {
  const overdue = Math.max(0, Math.floor((now - heardAt) / Math.max(1, intervalMs) - 0.5))
  let came = 0
  for (let bits = history; bits !== 0; bits &= bits - 1) came++
  return came / Math.min(window, span + overdue)
}

/** Transmissions that it takes until something is heard and answered (ETX, De Couto et al., 2003): 1 for a perfect link. */
export function costOf(hearing: Hearing, now: number): number {
  return 1 / Math.max(1e-3, qualityOf(hearing, now) * hearing.echo)
}

/** Whom the sender of a beacon probably has for neighbours. */
export function neighboursIn({ heard }: Beacon): Address[] {
  return heard.filter(({ quality }) => quality === 0 || quality >= upQuality).map(({ address }) => address)
}

function isLink(hearing: Hearing, now: number): boolean {
  if (isSilent(hearing, now)) return false
  const both = qualityOf(hearing, now) * hearing.echo
  return hearing.isUp ? both >= downQuality : both >= upQuality && hearing.span >= wantedBeacons
}

function echoOf({ heard }: Beacon, self: Address): number {
  return heard.find(({ address }) => address === self)?.quality ?? 0
}
