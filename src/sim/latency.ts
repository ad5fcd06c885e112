/** How long a frame is on its way. Times are one-way milliseconds of a network at rest. */
import { readFileSync } from "node:fs"
import { P2PSipError, badArgument } from "../errors.ts"
import type { SimRandom } from "./sim-random.ts"

/** A place for every host, and the distance between any two. Hosts are numbered from 0 in the order of their arrival. */
export interface LatencyModel {
  readonly name: string
  /** Gives the next host its place. */
  addHost(random: SimRandom): void
  oneWayMs(from: number, to: number): number
}

/** The same for all. */
export function constantLatency(oneWayMs: number): LatencyModel {
  if (!(oneWayMs >= 0 && oneWayMs < Infinity)) badArgument("latency", "milliseconds, 0 or more", oneWayMs)
  return { name: `constant ${oneWayMs} ms`, addHost: () => undefined, oneWayMs: () => oneWayMs }
}

export interface EuclideanOptions {
  /** Side of the square in which the hosts lie, as one-way milliseconds. @default 50 */
  readonly sideMs?: number
  /** Mean of the exponentially distributed height: each host's own access line. @default 5 */
  readonly meanHeightMs?: number
}

/**
 * Hosts on a plane, each at the end of a line of its own: distance plus both
 * heights (the model of Dabek et al., "Vivaldi", 2004).
 */
export function euclideanLatency(options: EuclideanOptions = {}): LatencyModel {
  const { sideMs = 50, meanHeightMs = 5 } = options
  const places: { readonly x: number; readonly y: number; readonly heightMs: number }[] = []
  return {
    name: `plane of ${sideMs} ms with heights of ${meanHeightMs} ms`,
    addHost: (random) => {
      places.push({ x: sideMs * random.float(), y: sideMs * random.float(), heightMs: random.exponential(meanHeightMs) })
    },
    oneWayMs: (from, to) => {
      const a = places[from]
      const b = places[to]
      if (a === undefined || b === undefined) return 0
      return Math.hypot(a.x - b.x, a.y - b.y) + a.heightMs + b.heightMs
    },
  }
}

/** Two hosts drawn from one row of the matrix are neighbours in one rack. */
const sameHostMs = 0.1

/** Half of the measured round trips; every host of the simulation is drawn from those of the matrix. */
export function matrixLatency(matrix: LatencyMatrix): LatencyModel {
  const { size, roundTripMs } = matrix
  const rows: number[] = []
  return {
    name: `matrix of ${size} hosts`,
    addHost: (random) => {
      rows.push(random.below(size))
    },
    oneWayMs: (from, to) => {
      const row = rows[from] ?? 0
      const column = rows[to] ?? 0
      return row === column ? sameHostMs : (roundTripMs[row * size + column] ?? 0) / 2
    },
  }
}

/** Round-trip milliseconds, row by row; not necessarily symmetric. */
export interface LatencyMatrix {
  readonly size: number
  readonly roundTripMs: Float32Array
}

/** Reads a square matrix of round-trip milliseconds, a row per line, separated by blanks. Throws `P2PSIP_BAD_CONFIG`. */
export function readLatencyMatrix(path: string): LatencyMatrix {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `latency: expected a readable file of round-trip times, found none at ${path}`, { cause })
  }
  return parseLatencyMatrix(text, path)
}

/** @see {@link readLatencyMatrix} */
export function parseLatencyMatrix(text: string, source: string): LatencyMatrix {
  const lines = text.split("\n").filter((line) => line.trim() !== "")
  const size = lines.length
  if (size === 0) throw badMatrix(source, "at least one row", "an empty file")
  const roundTripMs = new Float32Array(size * size)
  lines.forEach((line, row) => {
    const fields = line.trim().split(/\s+/)
    if (fields.length !== size) throw badMatrix(source, `${size} columns, as there are rows`, `${fields.length} in row ${row + 1}`)
    fields.forEach((field, column) => {
      const value = Number(field)
      if (!(value >= 0 && value < Infinity)) {
        throw badMatrix(source, "milliseconds, 0 or more", `${JSON.stringify(field)} in row ${row + 1}, column ${column + 1}`)
      }
      roundTripMs[row * size + column] = value
    })
  })
  return { size, roundTripMs }
}

function badMatrix(source: string, expected: string, found: string): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_CONFIG", `latency: expected ${expected}, found ${found}, in ${source}`)
}
