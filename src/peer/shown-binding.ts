/** A binding as people want to see it. */
import type { PeerId } from "../link/link.ts"
import { parseNameAddress } from "../sip/message/index.ts"
import { peerOfHost } from "../sip/transport/overlay-host.ts"
import { decodeBinding } from "./binding-codec.ts"

/** Plain data, fit for JSON. */
export interface ShownBinding {
  readonly contact: string
  /** 0 to 1, as phones write it. */
  readonly q: number
  readonly callId: string
  readonly cseq: number
  readonly userAgent: string
  /** The peer that holds the phone's flow, where the binding names one. */
  readonly heldBy?: PeerId
}

/** Undefined for bytes that are no binding: anybody may put under any key. */
export function readBinding(bytes: Uint8Array): ShownBinding | undefined {
  try {
    const { contact, qThousandths, callId, cseq, userAgent, path } = decodeBinding(bytes, 0)
    const heldBy = holderOf(path)
    return { contact: asText(contact), q: qThousandths / 1000, callId: asText(callId), cseq, userAgent: asText(userAgent), ...(heldBy === undefined ? {} : { heldBy }) }
  } catch {
    return undefined
  }
}

/** The first value of the path is that of the peer that took the REGISTER. */
function holderOf([first]: readonly string[]): PeerId | undefined {
  return first === undefined ? undefined : peerOfHost(parseNameAddress(first).parsedUri.host)
}

/** SIP text holds one character per byte. */
function asText(binary: string): string {
  return Buffer.from(binary, "latin1").toString("utf8")
}
