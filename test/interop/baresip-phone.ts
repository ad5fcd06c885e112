/** baresip as a phone that answers by itself. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Daemon } from "../../src/bench/daemon.ts"
import { domain } from "./checks.ts"

/** How a phone differs from one that merely registers and answers. */
export interface BaresipSettings {
  /** @default "tls" */
  readonly transport?: "udp" | "tls"
  /** Without spaces. */
  readonly password?: string
  /** Called as soon as it has registered. */
  readonly target?: string
  /** Whose presence it watches, `sip:bob@example.org`. */
  readonly watches?: readonly string[]
  /** Whether it publishes its own. */
  readonly publishes?: boolean
}

/** See the head of this file. */
export class BaresipPhone {
  readonly #folder = mkdtempSync(join(tmpdir(), "p2psip-baresip-"))
  readonly #ended: Promise<void>
  readonly #kill: () => void
  #output = ""

  constructor(name: string, peer: Daemon, settings: BaresipSettings = {}) {
    const { transport = "tls", password, target, watches = [], publishes = false } = settings
    const file = (path: string): string => join(this.#folder, path)
    const sound = `audio_source aufile,${file("in.wav")}\naudio_player aufile,${file("out.wav")}\naudio_alert aufile,${file("alert.wav")}\n`
    const apps = ["account", "menu", ...(watches.length > 0 || publishes ? ["contact", "presence"] : [])]
    writeFileSync(file("in.wav"), silentWave(8000 * 60))
    writeFileSync(file("config"), [
      "sip_listen 127.0.0.1:0", sound, "module_path /usr/lib/baresip/modules",
      ...["g711", "aufile"].map((module) => `module ${module}.so`),
      ...apps.map((app) => `module_app ${app}.so`),
      "",
    ].join("\n"))
    const proxy = `sip:127.0.0.1:${peer.sipPort(transport)};transport=${transport}`
    const credentials = password === undefined ? "" : `;auth_pass=${password}`
    const publication = publishes ? ";pubint=600" : ""
    writeFileSync(file("accounts"), `<sip:${name}@${domain};transport=${transport}>;outbound="${proxy}";regint=600;answermode=auto${credentials}${publication}\n`)
    writeFileSync(file("contacts"), watches.map((uri) => `"watched" <${uri}>;presence=p2p\n`).join(""))
    const dial = target === undefined ? [] : ["-e", `/dial ${target}`]
    const child = spawn("baresip", ["-4", "-f", this.#folder, "-t", "60", ...dial], { stdio: ["ignore", "pipe", "ignore"] })
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.#output = (this.#output + text).slice(-65_536)))
    this.#ended = new Promise((resolve) => void child.once("close", () => resolve()))
    this.#kill = () => void child.kill("SIGTERM")
  }

  /** What it has said so far, at most the latest 64 kB, without colours. */
  get output(): string {
    return this.#output.replace(/\u001B\[[\d;]*m/g, "")
  }

  async stop(): Promise<void> {
    this.#kill()
    await this.#ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Eight thousand samples a second, each of 16 bits. */
function silentWave(samples: number): Buffer {
  const header = Buffer.alloc(44)
  header.write("RIFF", 0)
  header.writeUInt32LE(36 + samples * 2, 4)
  header.write("WAVEfmt ", 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(8000, 24)
  header.writeUInt32LE(16_000, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write("data", 36)
  header.writeUInt32LE(samples * 2, 40)
  return Buffer.concat([header, Buffer.alloc(samples * 2)])
}
