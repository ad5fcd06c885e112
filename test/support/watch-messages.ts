import type { Flow, Transport } from "../../src/sip/transport/transport.ts"

/** A message that came, byte for byte. */
export interface ReceivedMessage {
  readonly bytes: Buffer
  /** The same as latin1. */
  readonly text: string
  readonly flow: Flow
}

/** Keeps what a transport receives; the result waits until so many have come, and gives them all. */
export function watchMessages(transport: Transport): (wanted: number) => Promise<readonly ReceivedMessage[]> {
  const messages: ReceivedMessage[] = []
  let wake = (): void => undefined
  transport.onMessage((message, flow) => {
    const bytes = Buffer.from(message)
    messages.push({ bytes, text: bytes.toString("latin1"), flow })
    wake()
  })
  return async (wanted) => {
    while (messages.length < wanted) await new Promise<void>((resolve) => (wake = resolve))
    return messages
  }
}
