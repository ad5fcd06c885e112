/** The program as the shell sees it: one process for each test. */
import { spawn, type ChildProcess } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { startDaemon, type Daemon } from "../../../src/bench/daemon.ts"

const program = new URL("../../../src/cli/main.ts", import.meta.url).pathname
const children = new Set<ChildProcess>()
let folder = ""

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "p2psip-cli-"))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => {
  for (const child of children) child.kill("SIGKILL")
})

interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function p2psip(args: readonly string[], input = "", environment: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env["PATH"], ...environment } })
    children.add(child)
    let [stdout, stderr] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code) => {
      children.delete(child)
      resolve({ code, stdout, stderr })
    })
    child.stdin.end(input)
  })
}

function start(...args: readonly string[]): Promise<Daemon> {
  const common = ["--backend", "memory", "--sip", "udp:127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error"]
  return startDaemon([...common, ...args], (child) => children.add(child))
}

let bootstrap: readonly string[] = []

/** A peer on Chord that joins those started before, or the ones named. */
async function startChord(members: readonly string[] = bootstrap): Promise<Daemon> {
  const daemon = await start("--backend", "chord", ...members.flatMap((address) => ["--bootstrap", address]))
  bootstrap = [...bootstrap, ...daemon.ready.listen]
  return daemon
}

async function untilKnown(daemon: Daemon, peers: number): Promise<void> {
  for (;;) {
    const { servlet } = (await (await fetch(`${daemon.ready.http}/status`)).json()) as { servlet: { peersKnown: number } }
    if (servlet.peersKnown >= peers) return
  }
}

describe("start", () => {
  test("prints one JSON line, serves, and leaves with exit code 0 on SIGTERM and SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const daemon = await start()
      expect(daemon.ready).toMatchObject({
        event: "ready",
        peerId: expect.stringMatching(/^12D3Koo/) as string,
        listen: [expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3Koo/) as string],
        sip: [expect.stringMatching(/^udp:127\.0\.0\.1:\d+$/) as string],
      })
      expect((await fetch(`${daemon.ready.http}/readyz`)).status).toBe(200)
      expect(await daemon.end(signal)).toBe(0)
    }
  })

  test("leaves though the other peer has just died; a second signal does not wait for one that is silent", async () => {
    const [one, other, silent] = [await startChord(), await startChord(), await startChord()]
    await Promise.all([one, other, silent].map((daemon) => untilKnown(daemon, 2)))
    await other.end("SIGKILL")
    expect(await one.end("SIGTERM")).toBe(0)
    const last = await startChord(silent.ready.listen)
    process.kill(silent.pid, "SIGSTOP")
    const ended = last.end("SIGTERM")
    const again = setInterval(() => void last.end("SIGTERM"), 200)
    expect(await ended).toBe(1)
    clearInterval(again)
  })

  test("is the same peer again with the same data folder", async () => {
    const data = join(folder, "data")
    const first = await start("--data", data)
    await first.end()
    const second = await start("--data", data)
    await second.end()
    expect(second.ready.peerId).toBe(first.ready.peerId)
  })
})

describe("what cannot work is told in one line", () => {
  const memory = ["start", "--backend", "memory", "--sip", "udp:127.0.0.1:0"]

  test.each([
    ["a wrong value", ["start", "--http", "x"], 2, 'p2psip: http: expected HOST:PORT, found "x" (from --http)\n'],
    ["an unknown backend", ["start", "--backend", "none"], 2, /^p2psip: backend: expected .*memory.* found "none": no package of that name is installed\n$/],
    ["a missing file", ["start", "--config", "/none"], 2, /^p2psip: --config: expected a readable file, found ENOENT[^\n]*\n$/],
    ["a data folder that cannot be written", [...memory, "--data", "/proc/p2psip"], 1, /^p2psip: data folder \/proc\/p2psip: expected to read or create peer\.key in it, found ENOENT[^\n]*\n$/],
    ["open registration", ["start", "--sip", "udp:0.0.0.0:0"], 2, /^p2psip: users: expected users, overlayUsers, or openRegistration \(--open-registration\)[^\n]*\n$/],
    ["no peer", ["get", "k", "--http", "127.0.0.1:1"], 1, "p2psip: no peer answers at http://127.0.0.1:1; is one running with --http?\n"],
    ["no key", ["get"], 2, /^error: missing required argument 'key'/],
  ])("%s", async (_name, args, code, stderr) => {
    const result = await p2psip(args)
    if (typeof stderr === "string") expect(result.stderr).toBe(stderr)
    else expect(result.stderr).toMatch(stderr)
    expect(result).toMatchObject({ code, stdout: "" })
  })

  test("ports in use", async () => {
    const daemon = await start()
    const sip = daemon.ready.sip[0] ?? ""
    const http = (daemon.ready.http ?? "").slice("http://".length)
    const listen = daemon.ready.listen[0]?.split("/p2p/")[0] ?? ""
    for (const args of [["--sip", sip], ["--http", http, "--sip", "udp:127.0.0.1:0"], ["--listen", listen, "--sip", "udp:127.0.0.1:0"]]) {
      const { code, stderr } = await p2psip(["start", "--backend", "memory", "--log-level", "error", ...args])
      expect(stderr).toMatch(/^p2psip: [^\n]*(in use|taken)[^\n]*\n$/)
      expect(code).toBe(1)
    }
    await daemon.end()
  })
})

test("who has read enough is told no more", async () => {
  const child = spawn(process.execPath, [program, "--help"], { stdio: ["ignore", "pipe", "pipe"] })
  child.stdout.destroy()
  let stderr = ""
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  const code = await new Promise((resolve) => child.on("close", resolve))
  expect({ code, stderr }).toEqual({ code: 141, stderr: "" })
})

test("config print shows what flags, environment and file make together, without secrets", async () => {
  const file = join(folder, "config.json")
  await writeFile(file, '{ "domains": ["file.example"], "realm": "file", "users": [{ "username": "alice", "password": "hunter2" }] } // mine')
  const { code, stdout } = await p2psip(["config", "print", "--config", file, "--backend", "memory"], "", { P2PSIP_REALM: "environment" })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ domains: ["file.example"], realm: "environment", backend: "memory", users: [{ username: "alice" }] })
  expect(stdout).not.toContain("hunter2")
})

test("put, get, lookup, remove, status, and the console without a terminal", async () => {
  const daemon = await start()
  const http = ["--http", daemon.ready.http ?? ""]
  expect((await p2psip(["put", "k", "v", "--ttl", "60", ...http])).stdout).toMatch(/^v .*60 s left/)
  expect(JSON.parse((await p2psip(["get", "k", "--json", ...http])).stdout)).toMatchObject([{ value: "v" }])
  expect((await p2psip(["lookup", "k", ...http])).stdout).toMatch(/owner .*\nv /)
  expect((await p2psip(["status", ...http])).stdout).toContain(daemon.ready.peerId)
  expect(await p2psip(["remove", "k", "v", ...http])).toMatchObject({ code: 0 })
  expect(await p2psip(["get", "k", ...http])).toMatchObject({ code: 1 })
  expect(await p2psip(["console", ...http], "insert a\n")).toMatchObject({ code: 1, stderr: "p2psip: expected insert KEY VALUE [SECONDS], found 1 words after insert\n" })
  const script = await p2psip(["console", ...http], "insert a b\nretrieve a\n# a comment\n\nremove a b\nretrieve a\ninsert \"room 1\" \"host 7\" 60\nleave\n")
  expect(script.stdout).toMatch(/^b .*\nb .*\n.*no value.*\n.*no value.*\nhost 7 .*60 s left.*\n$/)
  expect(await daemon.end("SIGCONT")).toBe(0)
})
