/**
 * Network coordinates: each peer finds itself a point such that distances
 * foretell round-trip times, from a handful of measurements (Dabek, Cox,
 * Kaashoek and Morris, "Vivaldi: A Decentralized Network Coordinate System",
 * 2004). Two dimensions and a height, which stands for the way to the peer's
 * own access link.
 */

/** Milliseconds throughout. */
export interface Coordinate {
  readonly x: number
  readonly y: number
  readonly height: number
  /** How far off, relatively, it has proved to be; 1 for a beginner. */
  readonly error: number
}

/** Where everybody begins. */
export const origin: Coordinate = { x: 0, y: 0, height: 0, error: 1 }

/** c_e and c_c of the paper: how much one measurement may change error and place. */
const errorGain = 0.25
const placeGain = 0.25
const minHeightMs = 0.1
/** No clock of ours tells less, and a relative error needs something to relate to. */
const minRttMs = 1e-3
const maxExtentMs = 8_000

/** The round-trip time that two coordinates foretell. */
export function foretoldMs(a: Coordinate, b: Coordinate): number {
  return Math.hypot(a.x - b.x, a.y - b.y) + a.height + b.height
}

/** Moves a coordinate after a measurement of the way to a peer that has the other. `angle` in [0, 1) decides where two points are one. */
export function moved(own: Coordinate, other: Coordinate, rttMs: number, angle: number): Coordinate {
  if (!(rttMs > 0) || !Number.isFinite(rttMs)) return own
  const foretold = foretoldMs(own, other)
  const weight = own.error / Math.max(own.error + other.error, 1e-9)
  const sampleError = Math.abs(foretold - rttMs) / Math.max(rttMs, minRttMs)
  const gain = errorGain * weight
  const force = placeGain * weight * (rttMs - foretold)
  const distance = Math.hypot(own.x - other.x, own.y - other.y)
  const turn = 2 * Math.PI * angle
  const unit = distance > 0 ? { x: (own.x - other.x) / distance, y: (own.y - other.y) / distance } : { x: Math.cos(turn), y: Math.sin(turn) }
  const heightShare = foretold > 0 ? (own.height + other.height) / foretold : 0.5
  return {
    x: bounded(own.x + force * unit.x, -maxExtentMs),
    y: bounded(own.y + force * unit.y, -maxExtentMs),
    height: bounded(own.height + force * heightShare, minHeightMs),
    error: Math.min(1, Math.max(0.01, sampleError * gain + own.error * (1 - gain))),
  }
}

function bounded(value: number, min: number): number {
  return Math.min(maxExtentMs, Math.max(min, value))
}
