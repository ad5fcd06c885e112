/** The name of what one REGISTER does: the same for each retransmission, and for no other (RFC 3261 §8.2.7). */
import { hash } from "node:crypto"

/** Header values, the Via with what the transport has added. */
export interface OperationParts {
  readonly callId: string | undefined
  readonly cseq: string | undefined
  readonly from: string | undefined
  readonly via: string | undefined
}

/** 32 hexadecimal digits. */
export function operationOf({ callId, cseq, from, via }: OperationParts): string {
  return hash("sha1", `${callId}\n${cseq}\n${from}\n${via}`, "hex").slice(0, 32)
}

/** The first half names it to the location service. */
export function operationIdOf(operation: string): Buffer {
  return Buffer.from(operation.slice(0, 16), "hex")
}

/** The second half is the To tag, so that each response has the same. */
export function toTagOf(operation: string): string {
  return operation.slice(16)
}
