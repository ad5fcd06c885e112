/**
 * Debian's Kamailio as a registrar and proxy for one domain, to compare with:
 * one UDP worker, contacts in memory only.
 */
import { spawn, spawnSync } from "node:child_process"
import { createSocket } from "node:dgram"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { complaintOf } from "./hosted.ts"
import { childrenOf } from "./process-cost.ts"

/** A running Kamailio. */
export interface Kamailio {
  readonly version: string
  readonly port: number
  /** Every process of it. */
  pids(): readonly number[]
  /** Resolves when it has ended, whoever wanted that. */
  readonly ended: Promise<void>
  end(): Promise<void>
}

const readyTimeoutMs = 10_000
const pingIntervalMs = 50

/** The first line of `kamailio -v`; undefined where there is none. */
export function kamailioVersion(): string | undefined {
  const { stdout } = spawnSync("kamailio", ["-v"], { encoding: "utf8" })
  return typeof stdout === "string" ? /^version: (\S+ \S+)/.exec(stdout)?.[1] : undefined
}

/** The text of a configuration for a port of loopback; `modulePath` is what `mpath` takes. */
export type KamailioConfiguration = (port: number, modulePath: string) => string

/** Starts it on a port of loopback, a free one by default. Rejects with what it complained of when it ends, or does not answer. */
export async function startKamailio(configure: KamailioConfiguration, choosePort = freePort): Promise<Kamailio> {
  const version = kamailioVersion()
  if (version === undefined) throw new Error("there is no kamailio: install the package of that name")
  const folder = mkdtempSync(join(tmpdir(), "p2psip-kamailio-"))
  const port = await choosePort()
  writeFileSync(join(folder, "kamailio.cfg"), configure(port, modulePath()))
  const child = spawn("kamailio", ["-DD", "-E", "-m", "1024", "-M", "32", "-b", "4194304", "-Y", folder, "-f", join(folder, "kamailio.cfg")], {
    stdio: ["ignore", "ignore", "pipe"],
  })
  const pid = child.pid ?? 0
  let complaints = ""
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaints.length < 4000) complaints += chunk.toString()
  })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const hasSaidAll = new Promise<void>((resolve) => child.stderr.once("close", () => resolve()))
  const end = async (): Promise<void> => {
    child.kill("SIGTERM")
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  if (!(await Promise.race([answers(port), ended.then(() => false)]))) {
    await end()
    await hasSaidAll
    throw new Error(`kamailio did not answer on port ${port}: ${complaintOf(complaints)}`)
  }
  return { version, port, pids: () => [pid, ...childrenOf(pid)], ended, end }
}

/** Where its modules are, as `mpath` takes it. */
export function modulePath(): string {
  const folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].map((path) => `${path}/kamailio/modules`)
  return folders.filter((path) => existsSync(path)).join(":")
}

/** What its own default configuration does for local users, without a database and accounting. */
export function registrarConfiguration(domain: string, port: number, mpath: string, host = "127.0.0.1"): string {
  const modules = ["kex", "tm", "tmx", "sl", "rr", "pv", "maxfwd", "sanity", "textops", "siputils", "usrloc", "registrar"]
  return `#!KAMAILIO
debug=-1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
alias="${domain}"
listen=udp:${host}:${port}
mpath="${mpath}"
${modules.map((name) => `loadmodule "${name}.so"`).join("\n")}
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 16)
modparam("registrar", "max_expires", 7200)
modparam("tm", "failure_reply_mode", 3)
modparam("rr", "enable_full_lr", 0)

request_route {
  if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (!sanity_check("17895", "7")) exit;
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (!is_method("ACK")) {
    if (t_precheck_trans()) {
      t_check_trans();
      exit;
    }
    t_check_trans();
  }
  if (has_totag()) {
    if (loose_route()) {
      t_relay();
      exit;
    }
    if (is_method("ACK")) {
      if (t_check_trans()) t_relay();
      exit;
    }
    sl_send_reply("404", "Not here");
    exit;
  }
  remove_hf("Route");
  if (is_method("REGISTER")) {
    if (!save("location")) sl_reply_error();
    exit;
  }
  if (is_method("OPTIONS")) {
    sl_send_reply("200", "OK");
    exit;
  }
  if (is_method("INVITE")) record_route();
  if (!lookup("location")) {
    sl_send_reply("404", "Not Found");
    exit;
  }
  if (!t_relay()) sl_reply_error();
}
`
}

/** A UDP port of loopback that nobody has just now. */
export function freePort(): Promise<number> {
  const socket = createSocket("udp4")
  return new Promise((resolve, reject) => {
    socket.once("error", reject)
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}

/** Asks with OPTIONS until there is an answer. */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket("udp4")
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve))
  const own = socket.address().port
  let isReady = false
  socket.on("message", () => (isReady = true))
  socket.on("error", () => undefined)
  for (let waitedMs = 0; waitedMs < readyTimeoutMs && !isReady; waitedMs += pingIntervalMs) {
    const headers = [
      `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK-ping-${waitedMs};rport`,
      "Max-Forwards: 5",
      "From: <sip:ping@127.0.0.1>;tag=1",
      `To: <sip:127.0.0.1:${port}>`,
      `Call-ID: ping-${waitedMs}`,
      "CSeq: 1 OPTIONS",
      "Content-Length: 0",
    ]
    socket.send(`${headers.join("\r\n")}\r\n\r\n`, port, "127.0.0.1")
    await new Promise((resolve) => setTimeout(resolve, pingIntervalMs))
  }
  await new Promise<void>((resolve) => socket.close(resolve))
  return isReady
}
