/** Where processes spent their time, by part of the program: V8's CPU profiles, added up. Pure functions. */

/** What is used of a `.cpuprofile`; times in µs of the machine's monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly startTime: number
  /** The node in which each sample found the program. */
  readonly samples: readonly number[]
  /** The time before each sample. */
  readonly timeDeltas: readonly number[]
}

export interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

/** Parts of a peer, in the order in which a message passes them. */
export const parts = [
  "SIP", "peer", "servlet and overlay", "RPC", "Link", "libp2p", "ciphers and hashes", "sending", "Node: sockets, streams", "event loop, receiving",
  "garbage collection",
] as const
export type Part = (typeof parts)[number]

/** Time of one function by itself. */
export interface FunctionTime {
  readonly name: string
  readonly part: Part
  readonly microseconds: number
}

/** A part of a profile, in µs. */
export interface Window {
  readonly from: number
  readonly to: number
  /** No sample stands for more: a longer gap is time for which others had the processor. @default Infinity */
  readonly most?: number
}

/** What the main thread of a process did within a window of time; waiting is left out. */
export function timesWithin({ nodes, startTime, samples, timeDeltas }: CpuProfile, { from, to, most = Infinity }: Window): FunctionTime[] {
  const selfTimes = new Map<number, number>()
  let at = startTime
  for (const [index, id] of samples.entries()) {
    const before = at
    at += timeDeltas[index] ?? 0
    const inside = Math.min(at, to) - Math.max(before, from)
    if (inside > 0) selfTimes.set(id, (selfTimes.get(id) ?? 0) + Math.min(inside, most))
  }
  const partOf = partsOf(nodes)
  return nodes.flatMap((node) => {
    const [microseconds, part] = [selfTimes.get(node.id), partOf.get(node.id)]
    return microseconds === undefined || part === undefined ? [] : [{ name: nameOf(node), part, microseconds }]
  })
}

/** Sums by name, the longest first. */
export function sumByName(times: readonly FunctionTime[]): FunctionTime[] {
  const sums = new Map<string, FunctionTime>()
  for (const time of times) {
    const key = `${time.part} ${time.name}`
    sums.set(key, { ...time, microseconds: time.microseconds + (sums.get(key)?.microseconds ?? 0) })
  }
  return [...sums.values()].sort((a, b) => b.microseconds - a.microseconds)
}

/** What a system call that sends is called in Node's bindings. */
const sends = /^(?:send|writev|writeBuffer|write(?:Utf8|Latin1|Ascii|Ucs2)String)$/
const ciphers = /^(?:digest|oneShotDigest|hash|update|final|Hash|Hmac|CipherBase|setAAD|getAuthTag|randomFillSync|sign|verify)$/

/** The part of each node; those in which the program waits, and the roots, have none. */
function partsOf(nodes: readonly ProfileNode[]): ReadonlyMap<number, Part> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const found = new Map<number, Part>()
  const resolve = (node: ProfileNode): Part | undefined => {
    const known = found.get(node.id)
    if (known !== undefined) return known
    const own = partOf(node)
    // Functions of the language itself work for whoever called them.
    const parent = byId.get(parents.get(node.id) ?? -1)
    const part = own === "caller" ? (parent === undefined ? "event loop, receiving" : resolve(parent)) : own
    if (part !== undefined) found.set(node.id, part)
    return part
  }
  for (const node of nodes) resolve(node)
  return found
}

function partOf({ callFrame: { functionName, url } }: ProfileNode): Part | "caller" | undefined {
  if (functionName === "(idle)" || functionName === "(root)") return undefined
  if (functionName === "(garbage collector)") return "garbage collection"
  if (functionName === "(program)") return "event loop, receiving"
  if (url === "") return sends.test(functionName) ? "sending" : ciphers.test(functionName) ? "ciphers and hashes" : "caller"
  if (url.startsWith("wasm://")) return "ciphers and hashes"
  if (url === "node:dgram" && functionName === "doSend") return "sending"
  if (url.startsWith("node:")) return url.startsWith("node:internal/crypto") ? "ciphers and hashes" : "Node: sockets, streams"
  return partOfFile(url)
}

const folders: readonly (readonly [RegExp, Part])[] = [
  [/\/node_modules\/.*(?:chacha|sha256|noble)/, "ciphers and hashes"],
  [/\/node_modules\//, "libp2p"],
  [/\/src\/(?:keyed-hash|hmac)\./, "ciphers and hashes"],
  [/\/src\/sip\//, "SIP"],
  [/\/src\/(?:peer|security|dns)\//, "peer"],
  [/\/src\/overlay\/(?:rpc|rto|deadline)/, "RPC"],
  [/\/src\/(?:overlay|servlet)\/|\/backends\//, "servlet and overlay"],
  [/\/src\/link\//, "Link"],
  [/\/src\/runtime\//, "Node: sockets, streams"],
]

function partOfFile(url: string): Part | "caller" {
  return folders.find(([pattern]) => pattern.test(url))?.[1] ?? "caller"
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === "" ? "(anonymous)" : functionName
  if (url === "" || url.startsWith("wasm://")) return name
  const file = /(?:src|backends|node_modules|node:).*/.exec(url)?.[0].replace(/^node_modules\/(?:.*node_modules\/)?/, "") ?? url
  return `${name}, ${file}:${lineNumber + 1}`
}
