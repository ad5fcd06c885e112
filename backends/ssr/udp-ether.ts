/**
 * UDP on chosen network interfaces: IPv6 between link-local addresses, and
 * IPv4 within the interface's subnet. Nothing from beyond a router is taken.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram"
import { BlockList } from "node:net"
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os"
import { P2PSipError } from "../../src/errors.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { DatagramHandler, Ether } from "./ether.ts"

export interface UdpEtherOptions {
  /** Names of network interfaces. */
  readonly interfaces: readonly string[]
  readonly port: number
}

/** One protocol on one interface. */
interface Outlet {
  readonly name: string
  readonly zone: string
  readonly address: string
  readonly group: string
  readonly socket: Socket
  /** IPv4: the networks of the interface. */
  readonly subnet: BlockList | undefined
}

/** Of link-local scope, not assigned by anybody ("p2ps"; RFC 4291 §2.7). */
export const group6 = "ff12::7032:7073"
/** Of local scope (RFC 2365 §6.1). */
export const group4 = "239.255.112.50"
/** What every IPv6 link takes (RFC 8200 §5), without the headers of IPv6 and UDP. */
const maxDatagramBytes = 1280 - 40 - 8
const maxQueueBytes = 1024 * 1024
const receiveBufferBytes = 4 * 1024 * 1024
/** Interfaces come, go and get other addresses: looked after so often. */
const lookMs = 1_000

/** See the head of this file. */
export class UdpEther implements Ether {
  readonly maxDatagramBytes = maxDatagramBytes
  readonly #runtime: Runtime
  readonly #options: UdpEtherOptions
  readonly #outlets = new Map<string, Outlet>()
  /** Receive what is said to all: IPv6 also what is said to one. */
  #ears: { readonly v6: Socket | undefined; readonly v4: Socket } | undefined
  #handler: DatagramHandler = () => undefined
  #timer: Timer | undefined

  constructor(components: { readonly runtime: Runtime }, options: UdpEtherOptions) {
    this.#runtime = components.runtime
    this.#options = options
  }

  interfaces(): Iterable<string> {
    return this.#outlets.keys()
  }

  async open(): Promise<void> {
    const { port } = this.#options
    const v6 = await listen6(port)
    v6?.on("message", (datagram, from) => this.#receive6(datagram, from))
    const v4 = await listen("udp4", group4, port).catch((error: unknown) => {
      v6?.close()
      throw error
    })
    v4.on("message", (datagram, from) => this.#receive4(datagram, from))
    this.#ears = { v6, v4 }
    for (const socket of [v6, v4]) socket?.on("error", (error) => this.#onError(error))
    await this.#look()
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    const sockets = new Set([this.#ears?.v6, this.#ears?.v4, ...[...this.#outlets.values()].map(({ socket }) => socket)])
    this.#ears = undefined
    this.#outlets.clear()
    await Promise.all([...sockets].map((socket) => new Promise<void>((resolve) => (socket === undefined ? resolve() : void socket.close(resolve)))))
  }

  shout(on: string, datagram: Uint8Array): void {
    const outlet = this.#outlets.get(on)
    if (outlet !== undefined) this.#send(outlet, outlet.group, datagram)
  }

  send(on: string, to: string, datagram: Uint8Array): boolean {
    const outlet = this.#outlets.get(on)
    return outlet !== undefined && this.#send(outlet, to, datagram)
  }

  onDatagram(handler: DatagramHandler): void {
    this.#handler = handler
  }

  #send({ socket }: Outlet, to: string, datagram: Uint8Array): boolean {
    if (socket.getSendQueueSize() > maxQueueBytes) return this.#count("queue full")
    socket.send(datagram, this.#options.port, to, (error) => {
      if (error !== null) this.#count("not sent")
    })
    return true
  }

  #receive6(datagram: Uint8Array, { address, port }: RemoteInfo): void {
    const [host = "", zone = ""] = address.split("%")
    const on = `${zone} IPv6`
    if (port !== this.#options.port || !host.startsWith("fe80:") || !this.#outlets.has(on)) return void this.#count("from elsewhere")
    this.#handler(on, address, datagram)
  }

  /** The interface is the one in whose subnet the sender is. */
  #receive4(datagram: Uint8Array, from: RemoteInfo): void {
    for (const outlet of this.#outlets.values()) if (outlet.subnet?.check(from.address) === true) return this.#receiveOn(outlet, datagram, from)
    this.#count("from elsewhere")
  }

  #receiveOn({ name, subnet, address: own }: Outlet, datagram: Uint8Array, { address, port }: RemoteInfo): void {
    if (port !== this.#options.port || subnet?.check(address) !== true || address === own) return void this.#count("from elsewhere")
    this.#handler(name, address, datagram)
  }

  async #look(): Promise<void> {
    const present = this.#present()
    if (present !== undefined) await this.#attendTo(present)
    if (this.#ears !== undefined) this.#timer = this.#runtime.setTimer(lookMs, () => void this.#look())
  }

  /** Undefined where the system does not tell, as where it has no file descriptor left. */
  #present(): Interfaces | undefined {
    try {
      return networkInterfaces()
    } catch (error) {
      this.#runtime.log.warn({ error: String(error) }, "the system does not tell its network interfaces")
      return undefined
    }
  }

  async #attendTo(present: Interfaces): Promise<void> {
    const wanted = new Map(this.#options.interfaces.flatMap((name) => placesOf(name, present[name] ?? [])).map((place) => [place.name, place]))
    for (const [name, { address }] of this.#outlets) if (wanted.get(name)?.address !== address) this.#shut(name)
    for (const place of wanted.values()) await this.#attend(place)
  }

  async #attend(place: Place): Promise<void> {
    const ears = this.#ears
    if (ears === undefined) return
    const known = this.#outlets.get(place.name)
    let outlet = known
    try {
      outlet ??= place.isIPv6 ? outlet6(place, ears.v6) : await this.#outlet4(place)
      if (outlet === undefined) return
      // Closed meanwhile.
      if (this.#ears !== ears) return this.#release(outlet)
      // Each time: an interface may have gone, and come back under its name and address.
      this.#joinGroup(outlet)
      if (known === undefined) this.#runtime.log.info({ interface: place.name, address: place.address }, "looking for neighbours")
      this.#outlets.set(place.name, outlet)
    } catch (error) {
      if (outlet !== undefined && known === undefined) this.#release(outlet)
      // Addresses that have just been given do not work at once.
      this.#runtime.log.info({ interface: place.name, error: String(error) }, "an interface does not work yet")
    }
  }

  async #outlet4({ name, zone, address }: Place): Promise<Outlet> {
    const subnet = new BlockList()
    for (const { family, cidr } of networkInterfaces()[zone] ?? []) {
      const [network = "", bits = "32"] = cidr?.split("/") ?? []
      if (family === "IPv4" && network !== "") subnet.addSubnet(network, Number(bits))
    }
    const socket = await listen("udp4", address, this.#options.port)
    const outlet = { name, zone, address, group: group4, socket, subnet }
    socket.on("message", (datagram, from) => this.#receiveOn(outlet, datagram, from))
    socket.on("error", (error) => this.#onError(error))
    return outlet
  }

  #joinGroup({ zone, address, socket, subnet }: Outlet): void {
    if (subnet !== undefined) {
      socket.setMulticastInterface(address)
      socket.setMulticastLoopback(false)
    }
    try {
      if (subnet === undefined) socket.addMembership(group6, `::%${zone}`)
      else this.#ears?.v4.addMembership(group4, address)
    } catch (error) {
      // It has been joined before.
      if (!hasCode(error, "EADDRINUSE")) throw error
    }
  }

  #shut(name: string): void {
    const outlet = this.#outlets.get(name)
    this.#outlets.delete(name)
    if (outlet !== undefined) this.#release(outlet)
  }

  #release({ socket }: Outlet): void {
    if (socket !== this.#ears?.v6) socket.close()
  }

  #onError(error: Error): void {
    this.#runtime.log.debug({ error: String(error) }, "UDP socket error in the mesh")
    this.#count("not sent")
  }

  #count(reason: string): false {
    this.#runtime.metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason }).add()
    return false
  }
}

type Interfaces = ReturnType<typeof networkInterfaces>

/** A protocol on an interface, before there is a socket for it. */
interface Place {
  /** `eth0 IPv6`. */
  readonly name: string
  readonly zone: string
  readonly address: string
  readonly isIPv6: boolean
}

function outlet6({ name, zone, address }: Place, socket: Socket | undefined): Outlet | undefined {
  return socket && { name, zone, address, group: `${group6}%${zone}`, socket, subnet: undefined }
}

function placesOf(zone: string, infos: readonly NetworkInterfaceInfo[]): Place[] {
  const v6 = infos.find(({ family, address }) => family === "IPv6" && address.startsWith("fe80:"))
  const v4 = infos.find(({ family }) => family === "IPv4")
  return [
    ...(v6 === undefined ? [] : [{ name: `${zone} IPv6`, zone, address: v6.address, isIPv6: true }]),
    ...(v4 === undefined ? [] : [{ name: `${zone} IPv4`, zone, address: v4.address, isIPv6: false }]),
  ]
}

/** On all addresses; undefined where the machine has no IPv6. */
async function listen6(port: number): Promise<Socket | undefined> {
  try {
    const socket = await listen("udp6", "::", port)
    socket.setMulticastLoopback(false)
    return socket
  } catch (error) {
    if (error instanceof P2PSipError && error.code === "P2PSIP_PORT_IN_USE") throw error
    return undefined
  }
}

async function listen(type: "udp4" | "udp6", address: string, port: number): Promise<Socket> {
  const family = type === "udp6" ? 6 : 4
  const lookup = (host: string, _options: unknown, callback: (error: null, address: string, family: number) => void): void => callback(null, host, family)
  const socket = createSocket({ type, ipv6Only: family === 6, recvBufferSize: receiveBufferBytes, lookup })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once("error", reject)
  socket.bind({ address, port, exclusive: true }, resolve)
  try {
    await promise
  } catch (cause) {
    socket.close()
    if (hasCode(cause, "EADDRINUSE")) throw new P2PSipError("P2PSIP_PORT_IN_USE", `mesh: expected UDP port ${port} at ${address} to be free, found it in use`, { cause })
    throw cause
  }
  socket.removeListener("error", reject)
  return socket
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code
}
