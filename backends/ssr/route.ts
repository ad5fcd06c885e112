/** Source routes as plain data: lists of different addresses, each a neighbour of the one before. */
import type { Address } from "./address.ts"

/** From its source on; both ends are part of it. */
export type Route = readonly Address[]

/** Two routes in a row, the second beginning where the first ends; circles are cut. */
export function join(first: Route, second: Route): Route {
  // The earliest node of the first that the second meets again: what lies between is a detour.
  const places = new Map(second.map((address, at) => [address, at]))
  for (const [at, address] of first.entries()) {
    const again = places.get(address)
    if (again !== undefined) return [...first.slice(0, at + 1), ...second.slice(again + 1)]
  }
  return [...first, ...second.slice(1)]
}

/** The way back, where links carry both ways. */
export function reverse(route: Route): Route {
  return route.toReversed()
}

/** A packet's way after a decision: a source route, where on it the packet gets on, and how it gets there. */
export interface Way {
  readonly stub: Route
  readonly route: Route
  /** Where on the route the packet is, once the stub is done. */
  readonly hop: number
}

/**
 * Appends `onward` (from this node on) to the route that a packet has come
 * (up to this node), and cuts the circle that this may make. Then this node is
 * no longer on the route, and the stub leads back to it.
 */
export function extend(travelled: Route, onward: Route): Way {
  const places = new Map(onward.map((address, at) => [address, at]))
  for (const [at, address] of travelled.entries()) {
    const again = places.get(address)
    if (again === undefined) continue
    return { stub: onward.slice(1, again + 1), route: [...travelled.slice(0, at + 1), ...onward.slice(again + 1)], hop: at }
  }
  return { stub: [], route: [...travelled, ...onward.slice(1)], hop: travelled.length - 1 }
}
