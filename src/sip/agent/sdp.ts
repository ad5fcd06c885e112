/** The least session description that phones accept: one audio stream, G.711 (RFC 3264, RFC 8866). */
import { isIPv6 } from "node:net"

/** Offer or answer. Nothing is sent to or taken at `port`; 9 discards. */
export function audioSession(host: string, sessionId: number, port = 9): Uint8Array {
  const address = `IN ${isIPv6(host) ? "IP6" : "IP4"} ${host}`
  const lines = [
    "v=0",
    `o=- ${sessionId} ${sessionId} ${address}`,
    "s=-",
    `c=${address}`,
    "t=0 0",
    `m=audio ${port} RTP/AVP 0 8`,
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
  ]
  return Buffer.from(`${lines.join("\r\n")}\r\n`, "latin1")
}
