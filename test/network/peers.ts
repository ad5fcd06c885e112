/** Peers on hosts of their own, which meet at a switch: it can part them, and nobody is told. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startDaemon } from "../../src/bench/daemon.ts"
import type { Daemon } from "../../src/bench/daemon.ts"
import { domain } from "../interop/checks.ts"
import { Hosts } from "../mesh/hosts.ts"

const switchName = "switch"
/** The networks of the switch. */
const together = "together"
const apart = "apart"

/** A peer with a disk, and the command that runs others beside it. Phones are served at its host's loopback. */
export interface PlacedPeer {
  readonly name: string
  readonly daemon: Daemon
  /** Of `p2psip start`. */
  readonly args: readonly string[]
  readonly inside: readonly string[]
}

/** See the head of this file. */
export class Network {
  readonly #hosts = new Hosts()
  readonly #disks = mkdtempSync(join(tmpdir(), "p2psip-disks-"))
  /** What all peers have in common. */
  readonly #config = join(this.#disks, "overlay.json")
  readonly peers: PlacedPeer[] = []

  constructor(backend: string) {
    writeFileSync(this.#config, JSON.stringify({ backend, domains: [domain], secret: "known to the six of them" }))
    this.#hosts.add(switchName)
    this.#hosts.makeSwitch(switchName, [together, apart])
  }

  /** Starts a peer on a new host; it joins by the first two that are there. */
  async start(): Promise<PlacedPeer> {
    const number = this.peers.length + 1
    const name = `h${number}`
    const address = `10.88.0.${number}`
    this.#hosts.add(name)
    this.#hosts.cable(name, switchName)
    this.#hosts.connect(name, switchName, together)
    this.#hosts.address(name, switchName, `${address}/24`)
    const args = ["--config", this.#config, "--listen", `/ip4/${address}/tcp/4001`, "--data", join(this.#disks, name)]
    args.push("--sip", "udp:127.0.0.1:5060", "--http", "127.0.0.1:8080", "--log-level", "error")
    for (const { daemon } of this.peers.slice(0, 2)) args.push(...daemon.ready.listen.flatMap((listen) => ["--bootstrap", listen]))
    const inside = this.#hosts.inside(name)
    const peer = { name, args, inside, daemon: await startDaemon(args, undefined, inside) }
    this.peers.push(peer)
    return peer
  }

  /** Starts a peer again that has ended, as it was started before and with its disk. */
  async restart(ended: PlacedPeer): Promise<PlacedPeer> {
    const peer = { ...ended, daemon: await startDaemon(ended.args, undefined, ended.inside) }
    this.peers[this.peers.indexOf(ended)] = peer
    return peer
  }

  /** Parts these from all others: what one side sends, the other does not get. */
  part(side: readonly PlacedPeer[]): void {
    for (const { name } of side) this.#hosts.connect(name, switchName, apart)
  }

  heal(): void {
    for (const { name } of this.peers) this.#hosts.connect(name, switchName, together)
  }

  /** Ends all peers and takes all down. */
  destroy(): void {
    this.#hosts.destroy()
    rmSync(this.#disks, { recursive: true, force: true })
  }
}
