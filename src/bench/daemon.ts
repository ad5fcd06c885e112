/** Runs peers as processes of their own: `p2psip start`, told apart by their ready line. */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { createInterface } from "node:readline"
import type { SipListenerTransport } from "../peer/sip-address.ts"

/** The line that `p2psip start` prints when it is ready. */
export interface ReadyLine {
  readonly event: "ready"
  readonly peerId: string
  readonly listen: readonly string[]
  /** `udp:127.0.0.1:5060` and the like, as bound. */
  readonly sip: readonly string[]
  readonly http?: string
}

export interface Daemon {
  readonly pid: number
  readonly ready: ReadyLine
  /** The port of the first SIP listener of that transport. */
  sipPort(transport: SipListenerTransport): number
  /** Sends a signal and resolves with the exit code (null when the signal ended it). */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

const ownCommand = new URL(import.meta.url.endsWith(".ts") ? "../cli/main.ts" : "../cli/main.js", import.meta.url).pathname

/**
 * Starts a peer and waits until it is ready. Rejects with what it wrote on
 * stderr when it ends before that. `onSpawn` gets the process at once, for
 * those who must be able to end it whatever happens. `inside`: the command that
 * runs it elsewhere, such as `ip netns exec NAME`. `command`: another clone's
 * `src/cli/main.ts`.
 */
export async function startDaemon(
  args: readonly string[],
  onSpawn: (child: ChildProcess) => void = () => undefined,
  inside: readonly string[] = [],
  command = ownCommand,
): Promise<Daemon> {
  const [program = process.execPath, ...rest] = [...inside, process.execPath, command, "start", ...args]
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] })
  onSpawn(child)
  // Not "exit", which may come before all that it has said.
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)))
  const ready = await firstReadyLine(child, ended)
  const end = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal)
    return ended
  }
  const sipPort = (transport: SipListenerTransport): number => {
    const listener = ready.sip.find((text) => text.startsWith(`${transport}:`))
    if (listener === undefined) throw new Error(`peer ${ready.peerId} has no ${transport} listener`)
    return Number(listener.slice(listener.lastIndexOf(":") + 1))
  }
  return { pid: child.pid ?? 0, ready, sipPort, end }
}

/**
 * Starts `count` peers that form one overlay, each with a UDP and a TCP SIP
 * listener on a free port.
 */
export async function startOverlay(count: number, args: readonly string[]): Promise<Daemon[]> {
  const daemons: Daemon[] = []
  for (let index = 0; index < count; index++) {
    const bootstrap = daemons.slice(0, 1).flatMap(({ ready }) => ready.listen.flatMap((address) => ["--bootstrap", address]))
    daemons.push(await startDaemon(["--sip", "udp:127.0.0.1:0", "--sip", "tcp:127.0.0.1:0", ...bootstrap, ...args]))
  }
  return daemons
}

function firstReadyLine(child: ChildProcess, ended: Promise<unknown>): Promise<ReadyLine> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error("a daemon needs its standard streams")
  let complaints = ""
  stderr.on("data", (chunk: Buffer) => {
    if (complaints.length < 4000) complaints += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).on("line", (line) => {
      const parsed: unknown = JSON.parse(line)
      if (isReadyLine(parsed)) resolve(parsed)
    })
    void ended.then(() => reject(new Error(`the peer ended before it was ready: ${complaints}`)))
  })
}

function isReadyLine(value: unknown): value is ReadyLine {
  return typeof value === "object" && value !== null && "event" in value && value.event === "ready"
}
