/** Scenario `baresip`: baresip over TLS at one peer and a UDP phone at another, call each other. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import type { UserAgent } from "../../src/sip/agent/index.ts"
import { startAgent } from "./agents.ts"
import { domain, inTurn, type Check } from "./checks.ts"

const modules = ["g711", "aufile"].map((name) => `module ${name}.so\n`).join("")

/** baresip as a phone that answers by itself; with a target it calls as soon as it has registered. */
class Baresip {
  readonly #folder = mkdtempSync(join(tmpdir(), "p2psip-baresip-"))
  readonly #ended: Promise<void>
  readonly #kill: () => void

  constructor(name: string, peer: Daemon, target?: string) {
    const file = (path: string): string => join(this.#folder, path)
    const sound = `audio_source aufile,${file("in.wav")}\naudio_player aufile,${file("out.wav")}\naudio_alert aufile,${file("alert.wav")}\n`
    writeFileSync(file("in.wav"), silentWave(8000 * 60))
    writeFileSync(
      file("config"),
      `sip_listen 127.0.0.1:0\n${sound}module_path /usr/lib/baresip/modules\n${modules}module_app account.so\nmodule_app menu.so\n`,
    )
    const proxy = `sip:127.0.0.1:${peer.sipPort("tls")};transport=tls`
    writeFileSync(file("accounts"), `<sip:${name}@${domain};transport=tls>;outbound="${proxy}";regint=600;answermode=auto\n`)
    const dial = target === undefined ? [] : ["-e", `/dial ${target}`]
    const child = spawn("baresip", ["-4", "-f", this.#folder, "-t", "60", ...dial], { stdio: "ignore" })
    this.#ended = new Promise((resolve) => void child.once("close", () => resolve()))
    this.#kill = () => void child.kill("SIGTERM")
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

export async function baresipCalls(peers: readonly Daemon[]): Promise<Check[]> {
  const carol = await startAgent("carol", inTurn(peers, 1))
  try {
    return [await callBaresip(carol, inTurn(peers, 0)), await callFromBaresip(carol, inTurn(peers, 0))]
  } finally {
    await carol.stop()
  }
}

async function callBaresip(carol: UserAgent, peer: Daemon): Promise<Check> {
  const name = "a UDP phone calls baresip on TLS at another peer, and hangs up"
  const phone = new Baresip("bob", peer)
  try {
    for (let attempt = 0; ; attempt++) {
      const call = carol.call(`sip:bob@${domain}`)
      const outcome = await call.outcome
      // 480: it has not registered yet.
      if (outcome.kind === "failed" && outcome.status === 480 && attempt < 50) {
        await sleep(100)
        continue
      }
      if (outcome.kind === "failed") return { name, passed: false, detail: `${outcome.status} ${outcome.reason}` }
      call.hangUp()
      await call.ended
      return { name, passed: true, detail: "established, ended" }
    }
  } finally {
    await phone.stop()
  }
}

async function callFromBaresip(carol: UserAgent, peer: Daemon): Promise<Check> {
  const name = "baresip on TLS calls a UDP phone at another peer, and hangs up"
  const ended = new Promise<string>((resolve) => {
    carol.onEvent((event) => {
      if (event.name === "ended") resolve(`established, ended by ${event.by} side`)
      else if (event.name === "failed") resolve(`${event.status} ${event.reason}`)
      else if (event.name === "established") void sleep(500).then(() => phone.stop())
    })
  })
  const phone = new Baresip("dave", peer, `sip:carol@${domain}`)
  const detail = await Promise.race([ended, sleep(20_000).then(() => "nothing within 20 s")])
  await phone.stop()
  return { name, passed: detail === "established, ended by remote side", detail }
}
