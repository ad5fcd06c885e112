/** Peers on hosts of their own, which meet at a switch: it can part them, and nobody is told. */
import { startDaemon } from "../../src/bench/daemon.ts"
import type { Daemon } from "../../src/bench/daemon.ts"
import { domain } from "../interop/checks.ts"
import { Hosts } from "../mesh/hosts.ts"

const switchName = "switch"
/** The networks of the switch. */
const together = "together"
const apart = "apart"

/** A peer, and the command that runs others beside it. Phones are served at its host's loopback. */
export interface PlacedPeer {
  readonly name: string
  readonly daemon: Daemon
  readonly inside: readonly string[]
}

/** See the head of this file. */
export class Network {
  readonly #hosts = new Hosts()
  readonly #backend: string
  readonly peers: PlacedPeer[] = []

  constructor(backend: string) {
    this.#backend = backend
    this.#hosts.add(switchName)
    this.#hosts.makeSwitch(switchName, [together, apart])
  }

  /** Starts a peer on a new host; it joins by those that are there. */
  async start(): Promise<PlacedPeer> {
    const number = this.peers.length + 1
    const name = `h${number}`
    const address = `10.88.0.${number}`
    this.#hosts.add(name)
    this.#hosts.cable(name, switchName)
    this.#hosts.connect(name, switchName, together)
    this.#hosts.address(name, switchName, `${address}/24`)
    const inside = this.#hosts.inside(name)
    const bootstrap = this.peers.slice(0, 2).flatMap(({ daemon }) => daemon.ready.listen.flatMap((listen) => ["--bootstrap", listen]))
    const daemon = await startDaemon(
      ["--backend", this.#backend, "--domain", domain, "--listen", `/ip4/${address}/tcp/4001`, "--log-level", "error"].concat(
        ["--sip", "udp:127.0.0.1:5060", "--http", "127.0.0.1:8080"], bootstrap),
      undefined, inside)
    const peer = { name, daemon, inside }
    this.peers.push(peer)
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
  }
}
