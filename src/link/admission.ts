/**
 * Who may be a peer of the overlay: those who know its secret.
 *
 * Once a connection is encrypted and both ends have shown whose key is whose,
 * each says HMAC(secret, own id, other's id) before anything else. Noise makes
 * that proof good for this connection only: nobody else can be its sender, and
 * whoever receives it can use it towards nobody.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto"
import type { AbortOptions, ConnectionEncrypter, MessageStream, SecuredConnection } from "@libp2p/interface"
import { byteStream } from "@libp2p/utils"
import { P2PSipError } from "../errors.ts"
import type { PeerId } from "./link.ts"

const proofBytes = 32

/** The proofs of one peer, and those that it expects. */
export class Membership {
  readonly #self: PeerId
  readonly #key: Uint8Array

  constructor(self: PeerId, secret: string) {
    this.#self = self
    this.#key = new Uint8Array(hkdfSync("sha256", Buffer.from(secret), "p2psip link", "members of an overlay", 32))
  }

  /** What shows `peer` that this one is a member. */
  proofFor(peer: PeerId): Uint8Array {
    return this.#proof(this.#self, peer)
  }

  /** True for what `peer` says to this one if it is a member. */
  isProofOf(peer: PeerId, found: Uint8Array): boolean {
    return found.length === proofBytes && timingSafeEqual(found, this.#proof(peer, this.#self))
  }

  #proof(prover: PeerId, verifier: PeerId): Uint8Array {
    return createHmac("sha256", this.#key).update(`${prover}\n${verifier}`).digest()
  }
}

/** An encrypter whose connections lead to members only; `onRefused` is called for each of the others. */
export function admitting<Components>(
  create: (components: Components) => ConnectionEncrypter,
  membership: Membership,
  onRefused: () => void,
): (components: Components) => ConnectionEncrypter {
  return (components) => {
    const inner = create(components)
    const outer: ConnectionEncrypter = Object.create(inner) as ConnectionEncrypter
    outer.secureInbound = async (connection, options) => admitted(await inner.secureInbound(connection, options), options)
    outer.secureOutbound = async (connection, options) => admitted(await inner.secureOutbound(connection, options), options)
    return outer
  }

  async function admitted(secured: SecuredConnection, { signal }: AbortOptions = {}): Promise<SecuredConnection> {
    const { connection, remotePeer } = secured
    const peer = remotePeer.toString()
    const found = await exchange(connection, membership.proofFor(peer), signal)
    if (found !== undefined && membership.isProofOf(peer, found)) return secured
    signal?.throwIfAborted()
    onRefused()
    throw new P2PSipError("P2PSIP_UNREACHABLE", "expected proof that it knows the secret of this overlay, found none or a wrong one; all peers need the same secret")
  }
}

/** Says one proof and reads another; undefined if the connection ends before. What comes after the proof stays unread. */
async function exchange(connection: MessageStream, proof: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  const bytes = byteStream(connection)
  const patience = signal === undefined ? {} : { signal }
  try {
    await bytes.write(proof, patience)
    return (await bytes.read({ bytes: proofBytes, ...patience })).subarray()
  } catch {
    return undefined
  } finally {
    bytes.unwrap()
  }
}
