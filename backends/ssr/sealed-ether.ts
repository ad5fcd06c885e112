/**
 * Network interfaces on which only those are heard that know the secret of the
 * mesh: each datagram ends in a tag over all the rest of it. What is said stays
 * readable by everybody.
 */
import { hkdfSync, timingSafeEqual } from "node:crypto"
import { Hmac } from "../../src/hmac.ts"
import type { Metrics } from "../../src/runtime/runtime.ts"
import type { DatagramHandler, Ether } from "./ether.ts"

/** As long as it takes so that guessing is hopeless at the rate at which datagrams are taken (RFC 2104 §5: half of the output at least; 128 bits). */
export const tagBytes = 16
const keyBytes = 32

/** See the head of this file. */
export class SealedEther implements Ether {
  readonly #ether: Ether
  readonly #metrics: Metrics
  readonly #hmac: Hmac

  constructor(components: { readonly ether: Ether; readonly metrics: Metrics }, secret: string) {
    this.#ether = components.ether
    this.#metrics = components.metrics
    this.#hmac = new Hmac(new Uint8Array(hkdfSync("sha256", Buffer.from(secret), "p2psip ssr", "datagrams of a mesh", keyBytes)))
  }

  get maxDatagramBytes(): number {
    return this.#ether.maxDatagramBytes - tagBytes
  }

  interfaces(): Iterable<string> {
    return this.#ether.interfaces()
  }

  open(): Promise<void> {
    return this.#ether.open()
  }

  close(): Promise<void> {
    return this.#ether.close()
  }

  shout(on: string, datagram: Uint8Array): void {
    this.#ether.shout(on, this.#sealed(datagram))
  }

  send(on: string, to: string, datagram: Uint8Array): boolean {
    return this.#ether.send(on, to, this.#sealed(datagram))
  }

  onDatagram(handler: DatagramHandler): void {
    this.#ether.onDatagram((on, from, sealed) => {
      const end = sealed.length - tagBytes
      if (end >= 0 && timingSafeEqual(sealed.subarray(end), this.#tagOf(sealed.subarray(0, end)))) return handler(on, from, sealed.subarray(0, end))
      this.#metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason: "no secret" }).add()
    })
  }

  #sealed(datagram: Uint8Array): Uint8Array {
    return Buffer.concat([datagram, this.#tagOf(datagram)])
  }

  #tagOf(datagram: Uint8Array): Uint8Array {
    const text = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength).toString("latin1")
    return Buffer.from(this.#hmac.of(text), "latin1").subarray(0, tagBytes)
  }
}
