/** What peers send and get over loopback while a scenario runs, and what tshark thinks of it. Capturing needs root. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import type { Check } from "./checks.ts"

/** A capture that has begun. */
export class Capture {
  readonly #folder = mkdtempSync(join(tmpdir(), "p2psip-capture-"))
  readonly #child

  private constructor(ports: readonly string[]) {
    const filter = ports.map((port) => `port ${port}`).join(" or ")
    this.#child = spawn("tshark", ["-q", "-i", "lo", "-f", filter, "-w", this.#file], { stdio: ["ignore", "ignore", "pipe"] })
  }

  /** Looks at the SIP ports of these peers: others on this machine may send what they like. Resolves when the first packets could be seen. */
  static async start(peers: readonly Daemon[]): Promise<Capture> {
    const capture = new Capture(peers.flatMap(({ ready }) => ready.sip.map((listener) => listener.slice(listener.lastIndexOf(":") + 1))))
    const isCapturing = new Promise<void>((resolve) => {
      let said = ""
      capture.#child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes("Capturing on")) resolve()
      })
    })
    await Promise.race([isCapturing, sleep(10_000)])
    await sleep(1000)
    return capture
  }

  get #file(): string {
    return join(this.#folder, "lo.pcapng")
  }

  /** Ends it and has what it saw looked at. */
  async look(scenario: string): Promise<Check> {
    await sleep(500)
    await this.#end()
    const name = `tshark finds no malformed SIP in what was sent (${scenario})`
    const fields = ["frame.number", "_ws.malformed", "sip.Request-Line", "sip.Status-Line"].flatMap((field) => ["-e", field])
    const { stdout, status } = spawnSync("tshark", ["-r", this.#file, "-Y", "sip", "-T", "fields", ...fields], { encoding: "utf8", maxBuffer: 1e9 })
    const lines = stdout.split("\n").filter((line) => line !== "")
    const malformed = lines.filter((line) => (line.split("\t")[1] ?? "") !== "")
    const passed = status === 0 && lines.length > 0 && malformed.length === 0
    return { name, passed, detail: passed ? `${lines.length} messages` : `${malformed.length} of ${lines.length}\n${malformed.slice(0, 10).join("\n")}` }
  }

  /** Ends it, if it has not ended, and removes what it saw. */
  async release(): Promise<void> {
    await this.#end()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, "exit")
    this.#child.kill("SIGINT")
    await ended
  }
}
