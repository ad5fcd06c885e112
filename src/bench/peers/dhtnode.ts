/**
 * OpenDHT's `dhtnode`, one process a node, asked by its command line. That
 * answers in no order that names the question, so each node is asked one thing
 * after another; what had to wait for its turn has waited.
 */
import { spawn, spawnSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { silentLogger } from "../../runtime/log.ts"
import { noMetrics } from "../../runtime/metrics.ts"
import { NodeRuntime } from "../../runtime/node.ts"
import { freePort } from "../kamailio.ts"
import { costOfAll } from "../process-cost.ts"
import { deathOf } from "../side.ts"
import type { Side, SideKind } from "../side.ts"
import { fillTables, loadTables } from "../table-load.ts"
import type { HashTable } from "../table-load.ts"

interface Node {
  readonly pid: number
  readonly table: HashTable
  ask(line: string): Promise<string>
  end(): Promise<void>
}

const readyTimeoutMs = 20_000
const answerTimeoutMs = 5000

/** See the head of this file. */
export const dhtnode: SideKind = {
  name: "dhtnode",
  about: "OpenDHT's dhtnode over UDP, 8 copies, unsigned values; put and look-ups, each node asked one after another by its command line",
  does: ({ name }, { kind, peers, storage }) => kind === "processes" && peers > 1 && storage === "memory" && ["idle", "lookup", "lookup-zipf", "lookup-max", "put", "put-max"].includes(name),
  missing: () => (spawnSync("dhtnode", ["--help"]).error === undefined ? undefined : "there is no dhtnode: install the package of that name"),
  start: ({ peers, entry }) => startNodes(peers, entry),
}

/** Rejects with what went wrong: a port that is taken, nodes that do not find each other. */
export async function startNodes(count: number, entry: "spread" | "first", choosePort = freePort): Promise<Side> {
  const nodes: Node[] = []
  const { died, die } = deathOf()
  const end = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.end()))
  }
  try {
    const first = await choosePort()
    for (let index = 0; index < count; index++) {
      const args = index === 0 ? ["-p", `${first}`] : ["-p", `${await choosePort()}`, "-b", `127.0.0.1:${first}`]
      nodes.push(startNode(`dhtnode, node ${index + 1}`, args, die))
    }
    await Promise.race([untilFormed(nodes), died])
  } catch (error) {
    await end()
    throw error
  }
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const tables = nodes.map(({ table }) => table).slice(0, entry === "first" ? 1 : count)
  return {
    sipPorts: [],
    fill: (users) => fillTables(tables, { users, index: 0, of: 1 }),
    load: (load) => loadTables(runtime, tables, load),
    cost: async () => costOfAll(nodes.map(({ pid }) => pid)),
    died,
    end,
  }
}

function startNode(name: string, args: readonly string[], die: (line: string) => void): Node {
  const child = spawn("dhtnode", args, { stdio: ["pipe", "pipe", "pipe"] })
  const waiting: ((line: string) => void)[] = []
  let [rest, found, isEnding] = ["", 0, false]
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const dieOfPort = (): void => die(`${name}: port ${args[1]} is taken; free it, or start again`)
  // "close" comes after all that it has said, "exit" may come before.
  child.once("close", (code) => {
    if (!isEnding) die(`${name} has ended with exit code ${code}`)
  })
  child.once("error", (error) => die(`${name}: ${error.message}`))
  // Who writes to a process that is no more hears of it elsewhere.
  child.stdin.on("error", () => undefined)
  // Where the port is taken on IPv4 and on IPv6 it ends.
  child.stderr.on("data", (chunk: Buffer) => {
    if (chunk.includes("Can't bind")) dieOfPort()
  })
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      // Where it is taken on IPv4 alone it goes on without, and nobody would find it.
      if (/ on IPv4 port 0\b/.test(line)) dieOfPort()
      if (/Get: found \d/.test(line)) found++
      if (!/(?:Get|Put): (?:completed|success|failure)/.test(line)) continue
      waiting.shift()?.(found > 0 ? `${line} found` : line)
      found = 0
    }
  })
  let turn: Promise<unknown> = Promise.resolve()
  const ask = (line: string): Promise<string> => {
    const answer = turn.then(() => new Promise<string>((resolve) => {
      waiting.push(resolve)
      child.stdin.write(`${line}\n`)
    }))
    turn = answer
    return answer
  }
  const table: HashTable = {
    has: async (key) => (await ask(`g ${wordOf(key)}`)).endsWith("found"),
    put: async (key, value) => {
      const line = await ask(`p ${wordOf(key)} ${value}`)
      if (!line.includes("success")) throw new Error(line)
    },
  }
  const end = async (): Promise<void> => {
    isEnding = true
    child.kill("SIGKILL")
    if (child.pid !== undefined) await ended
  }
  return { pid: child.pid ?? 0, table, ask, end }
}

/** Puts at each node until each of the others finds it. */
async function untilFormed(nodes: readonly Node[]): Promise<void> {
  const until = performance.now() + readyTimeoutMs
  for (let attempt = 0; ; attempt++) {
    const isPut = await Promise.race([allOf(nodes, ({ table }, index) => table.put(`probe${index}`, "1").then(() => true)), sleep(answerTimeoutMs, false)])
    if (isPut && (await Promise.race([allOf(nodes, ({ table }, index) => table.has(`probe${(index + 1) % nodes.length}`)), sleep(answerTimeoutMs, false)]))) return
    if (performance.now() > until) throw new Error(`dhtnode: the nodes did not find each other within ${readyTimeoutMs / 1000} s`)
    await sleep(500)
  }
}

async function allOf(nodes: readonly Node[], is: (node: Node, index: number) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(nodes.map((node, index) => is(node, index).catch(() => false)))).every(Boolean)
}

/** The command line parts words at spaces. */
function wordOf(key: string): string {
  return key.replaceAll(" ", "-")
}
