import { stripVTControlCharacters } from "node:util"
import { expect, test } from "vitest"
import { dropsOf, showMesh, showTrace } from "../../../src/cli/mesh-commands.ts"

const [one, two, three] = ["ssr-000000000001", "ssr-000000000002", "ssr-000000000003"] as const

test("what a peer sees of its mesh fits a terminal", () => {
  const neighbour = { peerId: two, on: "eth0 IPv6", at: "fe80::2%eth0", isUp: true, cost: 1.0417, silentMs: 120.4 }
  const routes = [{ to: two, hops: 1, next: two }, { to: three, hops: 2, next: two }]
  const shown = showMesh({ peerId: one, neighbours: [neighbour], ring: { left: three, right: two }, routes, maxRoutes: 256 }, { forged: 2 })
  expect(stripVTControlCharacters(shown).split("\n")).toEqual([
    `node        ${one}`,
    `ring        ${three} ◄ this node ► ${two}`,
    "neighbours  ",
    `  ${two}  up, cost 1.04, heard 120 ms ago on eth0 IPv6 from fe80::2%eth0`,
    "routes      2 of at most 256",
    `  ${two}  1 link`,
    `  ${three}  2 links by ${two}`,
    "dropped     2 forged",
  ])
})

test("a trace shows each link, and who decided", () => {
  expect(showTrace({ peerId: three, isExact: false, hops: [one, two, three], deciders: [one], rttMs: 3.14 })).toBe([
    `  0  ${one}  decides`, `  1  ${two}`, `  2  ${three}`, `${three} answers for it: 2 links, 1 decisions, there and back in 3.1 ms`,
  ].join("\n"))
})

test("drops are told by their reasons", () => {
  const counters = { 'p2psip_ssr_dropped_packets_total{reason="forged"}': 2, 'p2psip_ssr_dropped_packets_total{reason="rate"}': 0, p2psip_other_total: 3 }
  expect(dropsOf(counters)).toEqual({ forged: 2 })
})
