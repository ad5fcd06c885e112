/** Hosts and the cables between them: network namespaces and veth pairs of one machine. Needs root. */
import { execFileSync } from "node:child_process"

const prefix = "p2psip"

/** As `ip -s -j link` tells of it. */
interface Interface {
  readonly ifname: string
  readonly stats64: { readonly tx: { readonly bytes: number } }
}

/** See the head of this file. */
export class Hosts {
  readonly #names = new Map<string, string>()
  readonly #atExit = (): void => this.destroy()

  constructor() {
    removeLeftovers()
    // Whatever ends this process, nothing stays.
    process.once("exit", this.#atExit)
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))
  }

  add(host: string): void {
    const namespace = `${prefix}-${process.pid}-${host}`
    this.#names.set(host, namespace)
    ip("netns", "add", namespace)
    ip("-n", namespace, "link", "set", "lo", "up")
  }

  /** A cable, whose ends are interfaces with the name of the host at the other end. */
  cable(a: string, b: string): void {
    const [here, there] = [this.#namespaceOf(a), this.#namespaceOf(b)]
    ip("link", "add", b, "netns", here, "type", "veth", "peer", "name", a, "netns", there)
    this.plug(a, b)
  }

  /** Makes a host a switch with these networks, which know nothing of each other. */
  makeSwitch(host: string, networks: readonly string[]): void {
    for (const network of networks) {
      ip("-n", this.#namespaceOf(host), "link", "add", "name", network, "type", "bridge")
      ip("-n", this.#namespaceOf(host), "link", "set", network, "up")
    }
  }

  /** Puts the end of a cable at a switch into one of its networks; it leaves the one that it was in. */
  connect(host: string, at: string, network: string): void {
    ip("-n", this.#namespaceOf(at), "link", "set", host, "master", network)
  }

  /** Gives the end of the cable that leads to another host an address, such as `10.0.0.1/24`. */
  address(host: string, to: string, address: string): void {
    ip("-n", this.#namespaceOf(host), "address", "add", address, "dev", to)
  }

  /** The cable between two hosts works, or does not. */
  plug(a: string, b: string, isIn = true): void {
    for (const [host, name] of [[a, b], [b, a]] as const) ip("-n", this.#namespaceOf(host), "link", "set", name, isIn ? "up" : "down")
  }

  /** Nothing comes through the cable any more, and nobody is told: dead air, not a pulled plug. */
  muffle(a: string, b: string, isSilent = true): void {
    for (const [host, name] of [[a, b], [b, a]] as const) {
      const [verb, kind] = isSilent ? ["replace", ["blackhole"]] : ["del", []]
      execFileSync("tc", ["-n", this.#namespaceOf(host), "qdisc", verb, "dev", name, "root", ...kind], { stdio: ["ignore", "ignore", "pipe"] })
    }
  }

  /** The command that runs another one at a host. */
  inside(host: string): readonly string[] {
    return ["ip", "netns", "exec", this.#namespaceOf(host)]
  }

  /** Bytes that all hosts have sent into their cables so far, headers of Ethernet included. */
  bytesSent(): number {
    const links = [...this.#names.values()].flatMap((namespace) => JSON.parse(ip("-n", namespace, "-s", "-j", "link", "show").toString()) as Interface[])
    return links.reduce((sum, { ifname, stats64 }) => (ifname === "lo" ? sum : sum + stats64.tx.bytes), 0)
  }

  /** The host forwards what is not for itself. */
  makeRouter(host: string): void {
    const settings = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
    const [program = "", ...args] = [...this.inside(host), "sysctl", "-q", "-w", ...settings]
    execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] })
  }

  /** Ways that a routing protocol has found there. */
  routes(host: string, protocol: string): readonly string[] {
    return ip("-n", this.#namespaceOf(host), "route", "show", "proto", protocol).toString().split("\n").filter((line) => line !== "")
  }

  /** The host beside `host` that its packets for an address go to. */
  nextHop(host: string, address: string): string | undefined {
    return / dev (\S+)/.exec(ip("-n", this.#namespaceOf(host), "route", "get", address).toString())?.[1]
  }

  /** The power fails: all that runs there ends at once. Its cables are for the caller to pull. */
  kill(host: string): void {
    killAll(this.#namespaceOf(host))
  }

  /** Ends all that runs there, and takes everything down. */
  destroy(): void {
    process.removeListener("exit", this.#atExit)
    for (const namespace of this.#names.values()) removeNamespace(namespace)
    this.#names.clear()
  }

  #namespaceOf(host: string): string {
    const namespace = this.#names.get(host)
    if (namespace === undefined) throw new Error(`no host ${host}`)
    return namespace
  }
}

function ip(...args: readonly string[]): Buffer {
  return execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] })
}

function killAll(namespace: string): void {
  try {
    for (const pid of ip("netns", "pids", namespace).toString().split("\n")) if (pid !== "") process.kill(Number(pid), "SIGKILL")
  } catch {
    // Ended by itself meanwhile.
  }
}

function removeNamespace(namespace: string): void {
  killAll(namespace)
  try {
    ip("netns", "del", namespace)
  } catch {
    // Was not made.
  }
}

/** Of runs that were killed. */
function removeLeftovers(): void {
  for (const line of ip("netns", "list").toString().split("\n")) {
    const found = new RegExp(String.raw`^(${prefix}-(\d+)-\S+)`).exec(line)
    if (found?.[1] !== undefined && !isAlive(Number(found[2]))) removeNamespace(found[1])
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
