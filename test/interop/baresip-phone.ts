/** baresip as a phone that answers by itself. */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
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
  /** The peer's IP address. @default "127.0.0.1" */
  readonly host?: string
  /** The command that runs another one at the host where the phone is. */
  readonly inside?: readonly string[]
  /** What it says, in Hz. @default nothing: silence */
  readonly tone?: number
}

/** See the head of this file. */
export class BaresipPhone {
  readonly #folder = mkdtempSync(join(tmpdir(), "p2psip-baresip-"))
  readonly #ended: Promise<void>
  readonly #kill: () => void
  #output = ""

  constructor(name: string, peer: Daemon, settings: BaresipSettings = {}) {
    const { transport = "tls", password, target, watches = [], publishes = false, host = "127.0.0.1", inside = [], tone = 0 } = settings
    const file = (path: string): string => join(this.#folder, path)
    const sound = `audio_source aufile,${file("in.wav")}\naudio_player aufile,${file("out.wav")}\naudio_alert aufile,${file("alert.wav")}\n`
    const apps = ["account", "menu", ...(watches.length > 0 || publishes ? ["contact", "presence"] : [])]
    writeFileSync(file("in.wav"), wave(sampleRate * 60, tone))
    writeFileSync(file("config"), [
      `sip_listen ${settings.host === undefined ? "127.0.0.1" : "0.0.0.0"}:0`, sound, "module_path /usr/lib/baresip/modules", `snd_path ${this.#folder}`,
      ...["g711", "aufile", "sndfile"].map((module) => `module ${module}.so`),
      ...apps.map((app) => `module_app ${app}.so`),
      "",
    ].join("\n"))
    const proxy = `sip:${host}:${peer.sipPort(transport)};transport=${transport}`
    const credentials = password === undefined ? "" : `;auth_pass=${password}`
    const publication = publishes ? ";pubint=600" : ""
    writeFileSync(file("accounts"), `<sip:${name}@${domain};transport=${transport}>;outbound="${proxy}";regint=600;answermode=auto${credentials}${publication}\n`)
    writeFileSync(file("contacts"), watches.map((uri) => `"watched" <${uri}>;presence=p2p\n`).join(""))
    const dial = target === undefined ? [] : ["-e", `/dial ${target}`]
    const [program = "", ...args] = [...inside, "baresip", "-4", "-f", this.#folder, "-t", "60", ...dial]
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] })
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.#output = (this.#output + text).slice(-65_536)))
    this.#ended = new Promise((resolve) => void child.once("close", () => resolve()))
    this.#kill = () => void child.kill("SIGTERM")
  }

  /** What it has said so far, at most the latest 64 kB, without colours. */
  get output(): string {
    return this.#output.replace(/\u001B\[[\d;]*m/g, "")
  }

  /** Ends it, and its call. Resolves with how much of what it has heard was a tone of this frequency, 0 to 1. */
  async stop(tone = 0): Promise<number> {
    this.#kill()
    await this.#ended
    // It may have been stopped before.
    if (!existsSync(this.#folder)) return 0
    const [heard] = readdirSync(this.#folder).filter((name) => name.endsWith("-dec.wav"))
    const share = heard === undefined ? 0 : shareOf(tone, readFileSync(join(this.#folder, heard)))
    rmSync(this.#folder, { recursive: true, force: true })
    return share
  }
}

/** Samples a second, each of 16 bits. */
const sampleRate = 8_000
const headerBytes = 44
const loudness = 8_000

/** The sound of a tone, of none where its frequency is 0. */
function wave(samples: number, tone: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.write("RIFF", 0)
  header.writeUInt32LE(36 + samples * 2, 4)
  header.write("WAVEfmt ", 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(sampleRate, 24)
  header.writeUInt32LE(2 * sampleRate, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write("data", 36)
  header.writeUInt32LE(samples * 2, 40)
  const sound = Buffer.alloc(samples * 2)
  for (let at = 0; at < samples; at++) sound.writeInt16LE(Math.round(loudness * Math.sin((2 * Math.PI * tone * at) / sampleRate)), 2 * at)
  return Buffer.concat([header, sound])
}

/** The share of a tone in the energy of a sound, in pieces of 100 ms: what lies between them may have got lost. */
function shareOf(tone: number, wave: Buffer): number {
  const piece = sampleRate / 10
  let [all, ofTone] = [0, 0]
  for (let begin = headerBytes; begin + 2 * piece <= wave.length; begin += 2 * piece) {
    let [inPhase, across] = [0, 0]
    for (let at = 0; at < piece; at++) {
      const sample = wave.readInt16LE(begin + 2 * at)
      all += sample * sample
      inPhase += sample * Math.cos((2 * Math.PI * tone * at) / sampleRate)
      across += sample * Math.sin((2 * Math.PI * tone * at) / sampleRate)
    }
    ofTone += (2 * (inPhase * inPhase + across * across)) / piece
  }
  return all === 0 ? 0 : ofTone / all
}
