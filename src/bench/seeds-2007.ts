/**
 * What Wauthy measured in 2007 ("P2PSIP: Towards a Decentralized, SIP-based
 * VoIP System", chapter 6): how many requests a second his servlets took, on
 * dual-Xeon servers of that time. His figures are pictures; only what the text
 * or Table 6.1 states in numbers is here.
 */

/** As his chapter calls them. */
export type Deployment = "single server" | "distributed" | "load-balanced"
export type Scenario = "registration" | "call"

/** One implementation of his, and what is its like here. */
export interface Implementation {
  readonly then: "OpenChord" | "Bamboo" | "Bamboo (RAMDISK)"
  /** The name of the side that is measured now. */
  readonly now: string
}

export const implementations: readonly Implementation[] = [
  { then: "OpenChord", now: "chord" },
  { then: "Bamboo", now: "bamboo, on disk" },
  { then: "Bamboo (RAMDISK)", now: "bamboo" },
]

/** A number that he states. */
export interface Stated {
  readonly implementation: Implementation["then"]
  readonly nodes: number
  readonly perSecond: number
}

/** One of his figures. */
export interface Figure {
  readonly number: string
  readonly title: string
  readonly deployment: Deployment
  readonly scenario: Scenario
  readonly stated: readonly Stated[]
  /** What the text says besides, without saying of how many nodes. */
  readonly remark?: string
}

export const figures: readonly Figure[] = [
  {
    number: "6.9", title: "Single server deployment: registration scenario", deployment: "single server", scenario: "registration",
    stated: [
      { implementation: "OpenChord", nodes: 1, perSecond: 1050 }, { implementation: "OpenChord", nodes: 2, perSecond: 270 },
      { implementation: "Bamboo", nodes: 1, perSecond: 160 }, { implementation: "Bamboo", nodes: 2, perSecond: 100 },
      { implementation: "Bamboo", nodes: 4, perSecond: 40 }, { implementation: "Bamboo (RAMDISK)", nodes: 1, perSecond: 790 },
      { implementation: "Bamboo (RAMDISK)", nodes: 2, perSecond: 690 },
    ],
  },
  {
    number: "6.10", title: "Single server deployment: call scenario", deployment: "single server", scenario: "call", stated: [],
    remark: "OpenChord began well and dropped quickly; Bamboo got better with two nodes and worse with four",
  },
  {
    number: "6.11", title: "Influence of the amount of nodes: registration scenario", deployment: "distributed", scenario: "registration",
    stated: [
      { implementation: "OpenChord", nodes: 2, perSecond: 540 }, { implementation: "Bamboo", nodes: 2, perSecond: 180 },
      { implementation: "Bamboo (RAMDISK)", nodes: 2, perSecond: 730 },
    ],
    remark: "OpenChord kept dropping; Bamboo stayed between 100 and 200, in memory at almost 700",
  },
  {
    number: "6.12", title: "Influence of the amount of nodes: call scenario", deployment: "distributed", scenario: "call", stated: [],
    remark: "OpenChord dropped to 70 calls a second; Bamboo stayed between 300 and 350",
  },
  {
    number: "6.13", title: "Load balancing: registration scenario", deployment: "load-balanced", scenario: "registration",
    stated: [
      { implementation: "OpenChord", nodes: 2, perSecond: 590 }, { implementation: "Bamboo", nodes: 2, perSecond: 180 },
      { implementation: "Bamboo (RAMDISK)", nodes: 2, perSecond: 1130 },
    ],
    remark: "OpenChord crashed with more than four nodes; Bamboo stayed between 150 and 210, in memory it grew to more than 1,500",
  },
  {
    number: "6.14", title: "Load balancing: call scenario", deployment: "load-balanced", scenario: "call", stated: [],
    remark: "all grew up to four nodes, the best to more than 700 calls a second; OpenChord fell below 200 with six",
  },
]

/** Chapter 4: 7,500 sessions, after 3,500 that warm up; his figures 4.16 to 4.18 are pictures, and this is what the text says of them. */
export const sessionFigures = {
  "session-create": { number: "4.16", title: "creating", then: "about 30 s with two agents, less with four, least with eight" },
  "session-get": { number: "4.17", title: "retrieving", then: "the same with any number of agents" },
  "session-destroy": { number: "4.18", title: "destroying", then: "slower with two agents, almost constant with four and more" },
} as const

/** Table 6.1: registrations a second with two nodes. */
export const table61: Readonly<Record<Deployment, Readonly<Record<Implementation["then"], number>>>> = {
  "single server": { OpenChord: 270, Bamboo: 100, "Bamboo (RAMDISK)": 690 },
  distributed: { OpenChord: 540, Bamboo: 180, "Bamboo (RAMDISK)": 730 },
  "load-balanced": { OpenChord: 590, Bamboo: 180, "Bamboo (RAMDISK)": 1130 },
}
