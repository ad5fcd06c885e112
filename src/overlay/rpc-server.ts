/** The answering side of calls between peers. */
import type { ByteReader } from "../codec.ts"
import { ByteWriter } from "../codec.ts"
import { isP2PSipError } from "../errors.ts"
import type { Link, PeerId } from "../link/link.ts"
import { channels } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { encodeError, encodeReply, encodeWorking } from "./rpc-frame.ts"

/** The body of a reply. */
export type Reply = Uint8Array | ByteWriter

/**
 * Serves one method. A `P2PSipError` that it throws (or rejects with) reaches
 * the caller with its code and message. Bytes read from `body` share memory
 * with the frame: copy what is kept for long. `id` is for `Rpc.acknowledge`.
 */
export type RequestHandler = (from: PeerId, body: ByteReader, id: number) => Reply | Promise<Reply>

export interface RpcServerComponents {
  readonly runtime: Runtime
  readonly link: Link
  /** Counts a frame that was dropped. */
  readonly onDrop: (reason: string) => void
}

/** See the head of this file. */
export class RpcServer {
  readonly #runtime: Runtime
  readonly #link: Link
  readonly #onDrop: (reason: string) => void
  readonly #maxRequestsPerPeer: number
  readonly #handlers: (RequestHandler | undefined)[] = []
  /** The requests that are being handled, by who sent them. */
  readonly #handling = new Map<PeerId, Set<number>>()
  #isStopped = false

  constructor(components: RpcServerComponents, options: { readonly maxRequestsPerPeer: number }) {
    this.#runtime = components.runtime
    this.#link = components.link
    this.#onDrop = components.onDrop
    this.#maxRequestsPerPeer = options.maxRequestsPerPeer
  }

  handle(method: number, handler: RequestHandler): void {
    this.#handlers[method] = handler
  }

  /** Answers nothing more. */
  stop(): void {
    this.#isStopped = true
  }

  /** Tells that a request has arrived and is being dealt with. */
  acknowledge(from: PeerId, id: number): void {
    this.#answer(from, encodeWorking(id))
  }

  /** Takes the rest of a request's frame. */
  onRequest(from: PeerId, reader: ByteReader): void {
    const id = reader.uint32()
    const handler = this.#handlers[reader.uint8()]
    const handling = this.#handling.get(from)
    if (handler === undefined) {
      this.#answer(from, encodeError(id, "P2PSIP_NOT_SUPPORTED", "unknown method"))
      return
    }
    if (handling?.has(id) === true) {
      this.#answer(from, encodeWorking(id))
      return
    }
    if (handling !== undefined && handling.size >= this.#maxRequestsPerPeer) {
      this.#answer(from, encodeError(id, "P2PSIP_LIMIT", "too many requests of this peer are being handled; try later"))
      return
    }
    try {
      const result = handler(from, reader, id)
      if (result instanceof Promise) this.#answerLater(from, id, result)
      else this.#answer(from, encodeReply(id, bytesOf(result)))
    } catch (error) {
      this.#answerError(from, id, error)
    }
  }

  #answerLater(from: PeerId, id: number, result: Promise<Reply>): void {
    this.#begin(from, id)
    result.then(
      (reply) => {
        this.#end(from, id)
        this.#answer(from, encodeReply(id, bytesOf(reply)))
      },
      (error: unknown) => {
        this.#end(from, id)
        this.#answerError(from, id, error)
      },
    )
  }

  #answerError(from: PeerId, id: number, error: unknown): void {
    if (isP2PSipError(error)) {
      if (error.code === "P2PSIP_BAD_FRAME") this.#onDrop("malformed")
      this.#answer(from, encodeError(id, error.code, error.message))
      return
    }
    this.#runtime.log.error({ error, from }, "a request handler failed: this is a defect, please report it")
    this.#answer(from, encodeError(id, "P2PSIP_DEFECT", "the request met a defect of the peer"))
  }

  #answer(to: PeerId, frame: Uint8Array): void {
    if (this.#isStopped) return
    if (frame.length > this.#link.maxFrameBytes) this.#onDrop("reply too long")
    else if (!this.#link.send(to, channels.overlay, frame)) this.#onDrop("reply not sendable")
  }

  #begin(from: PeerId, id: number): void {
    const handling = this.#handling.get(from)
    if (handling === undefined) this.#handling.set(from, new Set([id]))
    else handling.add(id)
  }

  #end(from: PeerId, id: number): void {
    const handling = this.#handling.get(from)
    if (handling?.delete(id) === true && handling.size === 0) this.#handling.delete(from)
  }
}

function bytesOf(reply: Reply): Uint8Array {
  return reply instanceof ByteWriter ? reply.finish() : reply
}
