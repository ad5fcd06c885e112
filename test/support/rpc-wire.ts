/** Two ends of a wire on one clock, for the tests of `Rpc`. */
import type { ByteReader } from "../../src/codec.ts"
import { P2PSipError } from "../../src/errors.ts"
import type { FrameHandler, Link, PeerAddress, PeerEvent, PeerId } from "../../src/link/link.ts"
import { Rpc } from "../../src/overlay/rpc.ts"
import { ManualRuntime } from "./manual-runtime.ts"

/** A method that answers who asked, and what. */
export const echo = 7
export const text = (value: string): Uint8Array => Buffer.from(value)
export const rest = (reader: ByteReader): string => Buffer.from(reader.fixed(reader.remaining)).toString()

/** Two ends of a wire on one clock; each frame takes `delayMs`, and `lose` may swallow it. */
export class Wire {
  readonly runtime = new ManualRuntime()
  delayMs = 10
  lose: (from: PeerId, frame: Uint8Array) => boolean = () => false
  readonly links = new Map<PeerId, WireLink>()
  sent = 0

  peer(name: PeerId, options: ConstructorParameters<typeof Rpc>[1] = {}): { link: WireLink; rpc: Rpc } {
    const link = new WireLink(this, name)
    this.links.set(name, link)
    return { link, rpc: new Rpc({ runtime: this.runtime, link }, options) }
  }
}

export class WireLink implements Link {
  readonly self: PeerAddress
  readonly maxFrameBytes = 1000
  readonly learnt: PeerAddress[] = []
  handler: FrameHandler = () => undefined
  listeners: ((event: PeerEvent) => void)[] = []
  readonly #wire: Wire

  constructor(wire: Wire, peerId: PeerId) {
    this.#wire = wire
    this.self = { peerId, addresses: [] }
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async resolve(): Promise<PeerAddress> { return this.self }
  learn(peer: PeerAddress): void { this.learnt.push(peer) }
  onFrame(_channel: unknown, handler: FrameHandler): void { this.handler = handler }
  onPeer(listener: (event: PeerEvent) => void): () => void {
    this.listeners.push(listener)
    return () => undefined
  }

  send(to: PeerId, _channel: unknown, frame: Uint8Array): boolean {
    const other = this.#wire.links.get(to)
    if (other === undefined) return false
    this.#wire.sent++
    if (!this.#wire.lose(this.self.peerId, frame)) {
      this.#wire.runtime.setTimer(this.#wire.delayMs, () => other.handler(this.self.peerId, frame))
    }
    return true
  }
}

/** Two peers on a wire; `b` answers {@link echo}. */
export function wired(): { readonly wire: Wire; readonly a: ReturnType<Wire["peer"]>; readonly b: ReturnType<Wire["peer"]> } {
  const wire = new Wire()
  const a = wire.peer("a", { attempts: 3, timeoutMs: 10_000 })
  const b = wire.peer("b")
  b.rpc.handle(echo, (from, body) => text(`${from}:${rest(body)}`))
  return { wire, a, b }
}

/** The error's code, or "resolved". */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "resolved", (error: unknown) => (error instanceof P2PSipError ? error.code : String(error)))
}
