/**
 * Packets from whose place no way leads on just now. Where nodes move, the way
 * to a neighbour on the ring is lost and found again within a second: so they
 * wait for a moment, bounded in number, before their sources are told.
 */
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import type { Packet } from "./packet.ts"

/** When those that wait are looked at again, after they came: together longer than it takes to find another way. */
const lookAgainMs = [100, 200, 400, 800]
const maxPackets = 64

export interface WaitingRoomListener {
  /** Tries to send a packet on; true if it has gone. */
  retry(packet: Packet): boolean
  /** It has waited in vain. */
  giveUp(packet: Packet): void
}

interface Guests {
  packets: Packet[]
  looks: number
  timer: Timer
}

/** See the head of this file. */
export class WaitingRoom {
  readonly #runtime: Pick<Runtime, "setTimer">
  readonly #listener: WaitingRoomListener
  readonly #guests = new Map<Address, Guests>()
  #count = 0

  constructor(runtime: Pick<Runtime, "setTimer">, listener: WaitingRoomListener) {
    this.#runtime = runtime
    this.#listener = listener
  }

  /** Keeps a packet for a while. False when there is no room. */
  add(packet: Packet): boolean {
    if (this.#count >= maxPackets) return false
    this.#count++
    const { destination } = packet
    // Its payload is a view of what came from the network, where it may be overwritten.
    const kept = { ...packet, payload: new Uint8Array(packet.payload) }
    const guests = this.#guests.get(destination)
    if (guests !== undefined) guests.packets.push(kept)
    else this.#guests.set(destination, { packets: [kept], looks: 0, timer: this.#lookLater(destination, 0) })
    return true
  }

  /** These are known now. */
  onLearned(addresses: readonly Address[]): void {
    if (this.#guests.size === 0) return
    for (const address of addresses) if (this.#guests.has(address)) this.#look(address)
  }

  /** Nobody waits any more. */
  clear(): void {
    for (const { timer } of this.#guests.values()) timer.cancel()
    this.#guests.clear()
    this.#count = 0
  }

  #lookLater(destination: Address, looks: number): Timer {
    return this.#runtime.setTimer(lookAgainMs[looks] ?? 0, () => this.#onTimer(destination))
  }

  #onTimer(destination: Address): void {
    const guests = this.#guests.get(destination)
    if (guests === undefined) return
    this.#look(destination)
    if (!this.#guests.has(destination)) return
    guests.looks++
    if (guests.looks < lookAgainMs.length) {
      guests.timer = this.#lookLater(destination, guests.looks)
      return
    }
    this.#remove(destination, guests)
    for (const packet of guests.packets) this.#listener.giveUp(packet)
  }

  #look(destination: Address): void {
    const guests = this.#guests.get(destination)
    if (guests === undefined) return
    const { packets } = guests
    // What has gone may be back at once, and waits on.
    guests.packets = []
    const left = packets.filter((packet) => !this.#listener.retry(packet))
    this.#count -= packets.length - left.length
    guests.packets.unshift(...left)
    if (guests.packets.length > 0) return
    guests.timer.cancel()
    this.#guests.delete(destination)
  }

  #remove(destination: Address, guests: Guests): void {
    guests.timer.cancel()
    this.#guests.delete(destination)
    this.#count -= guests.packets.length
  }
}
