/** Scenario `linphone`: linphonec registers with digest at one peer, calls a UDP phone at another and is called by it. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import { freePort } from "../../src/bench/kamailio.ts"
import type { UserAgent } from "../../src/sip/agent/index.ts"
import { startAgent } from "./agents.ts"
import { domain, inTurn, type Check } from "./checks.ts"
import { password } from "./users.ts"

/** linphonec on a terminal: words go in, what it says comes out. */
class Linphone {
  readonly #folder: string
  readonly #child: ChildProcessWithoutNullStreams
  #said = ""

  private constructor(folder: string) {
    this.#folder = folder
    this.#child = spawn("linphonec", ["-a", "-c", join(folder, "linphonerc")], { env: { ...process.env, HOME: folder }, stdio: "pipe" })
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on("data", (chunk: Buffer) => (this.#said += chunk.toString()))
  }

  static async start(user: string, peer: Daemon, transport: "udp" | "tcp"): Promise<Linphone> {
    const folder = mkdtempSync(join(tmpdir(), "p2psip-linphone-"))
    mkdirSync(join(folder, ".local/share/linphone"), { recursive: true })
    writeFileSync(join(folder, "linphonerc"), settings(user, `sip:127.0.0.1:${peer.sipPort(transport)};transport=${transport}`, await freePort()))
    return new Linphone(folder)
  }

  say(words: string): void {
    this.#child.stdin.write(`${words}\n`)
  }

  /** Whether it says something of the kind within ten seconds; `words` are repeated until then. */
  async hears(wanted: RegExp, words?: string): Promise<boolean> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (wanted.test(this.#said)) return true
      if (words !== undefined && attempt % 10 === 0) this.say(words)
      await sleep(100)
    }
    return false
  }

  /** The end of all that it has said. */
  get story(): string {
    return this.#said.slice(-800)
  }

  async stop(): Promise<void> {
    this.say("quit")
    const late = setTimeout(() => void this.#child.kill("SIGKILL"), 5000)
    if (this.#child.exitCode === null) await once(this.#child, "exit")
    clearTimeout(late)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export async function linphoneCalls(peers: readonly Daemon[]): Promise<Check[]> {
  const carol = await startAgent("carol", inTurn(peers, 1), { password })
  const checks: Check[] = []
  try {
    for (const transport of ["udp", "tcp"] as const) checks.push(...(await over(transport, carol, inTurn(peers, 0))))
    return checks
  } finally {
    await carol.stop()
  }
}

async function over(transport: "udp" | "tcp", carol: UserAgent, peer: Daemon): Promise<Check[]> {
  const words = transport.toUpperCase()
  const linphone = await Linphone.start("alice", peer, transport)
  const check = (name: string, passed: boolean, detail: string): Check => ({ name: `${name} (${words})`, passed, detail: passed ? detail : linphone.story })
  try {
    const isRegistered = await linphone.hears(/registered, identity=sip:alice/, "status register")
    const registered = check("linphone registers with digest", isRegistered, "registered")
    if (!isRegistered) return [registered]
    const ended = new Promise<boolean>((resolve) => {
      const forget = carol.onEvent((event) => {
        if (event.name === "established") setTimeout(() => linphone.say("terminate"), 300)
        if (event.name !== "ended" && event.name !== "failed") return
        forget()
        resolve(event.name === "ended" && event.by === "remote")
      })
    })
    linphone.say(`call sip:carol@${domain}`)
    const hasCalled = await Promise.race([ended, sleep(20_000).then(() => false)])
    const calls = check("linphone calls a UDP phone at another peer, and hangs up", hasCalled, "established, ended by linphone")
    const call = carol.call(`sip:alice@${domain}`)
    const outcome = await call.outcome
    const isEstablished = outcome.kind === "established"
    if (isEstablished) {
      call.hangUp()
      await call.ended
    }
    return [registered, calls, check("a UDP phone at another peer calls linphone, and hangs up", isEstablished, "established, ended")]
  } finally {
    await linphone.stop()
  }
}

function settings(user: string, proxy: string, port: number): string {
  return `[sip]
sip_port=${port}
sip_tcp_port=${port}
sip_tls_port=0
default_proxy=0
use_ipv6=0
[video]
enabled=0
capture=0
display=0
automatically_initiate=0
automatically_accept=0
[proxy_0]
reg_proxy=<${proxy}>
reg_route=<${proxy};lr>
reg_identity=sip:${user}@${domain}
reg_expires=600
reg_sendregister=1
[auth_info_0]
username=${user}
passwd=${password}
realm=${domain}
`
}
