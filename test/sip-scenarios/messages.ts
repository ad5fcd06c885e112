import { SipRequest, SipResponse, type SipMessage } from "../../src/sip/message/index.ts"
import type { HeaderChanges } from "./phone-settings.ts"

/** How long a message may take on a busy machine, in real time. */
const patienceMs = 60_000

/** The message with other headers. */
export function changed<M extends SipMessage>(message: M, changes: HeaderChanges): M {
  for (const [name, value] of Object.entries(changes)) {
    message.headers.remove(name)
    if (value === undefined) continue
    for (const one of typeof value === "string" ? [value] : value) message.headers.append(name, one)
  }
  return message
}

/** The message with a session description, if there is one. */
export function describing<M extends SipMessage>(message: M, session: string): M {
  if (session === "") return message
  message.headers.set("Content-Type", "application/sdp")
  message.body = Buffer.from(session, "latin1")
  return message
}

/** What a script calls it: `INVITE`, `180`. */
export function labelOf(message: SipMessage): string {
  return message instanceof SipRequest ? message.method : message instanceof SipResponse ? String(message.status) : "?"
}

/** What the story says of it. */
export function summaryOf(message: SipMessage): string {
  if (message instanceof SipRequest) return `${message.method} ${message.uri}`
  return message instanceof SipResponse ? `${message.status} ${message.reason} (${message.headers.get("CSeq")})` : "?"
}

/** Waits for an event, and complains when it does not come. */
export async function within(event: Promise<void>, complaint: () => string): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(complaint())), patienceMs)
  try {
    await Promise.race([event, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
