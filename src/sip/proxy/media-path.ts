/** Where messages with session descriptions pass whoever carries media. */
import { createResponse } from "../message/index.ts"
import type { SipMessage } from "../message/index.ts"
import type { ClientHandlers } from "../transaction/index.ts"
import type { Flow } from "../transport/index.ts"

/** What carries media between phones: a port, which `media` implements. */
export interface MediaPath {
  /** Sees each message of a dialog that goes from one flow to another, and may change its session description. */
  pass(message: SipMessage, from: Flow, to: Flow): void
}

/** Responses to a request, before anybody else sees them. Who says nothing has refused (§16.8, §16.9). */
export function overMedia(media: MediaPath, client: Flow, server: Flow, handlers: ClientHandlers): ClientHandlers {
  return {
    ...handlers,
    onResponse: (response, transaction) => {
      media.pass(response, server, client)
      handlers.onResponse(response, transaction)
    },
    onTimeout: (transaction) => {
      media.pass(createResponse(transaction.request, 408), server, client)
      handlers.onTimeout(transaction)
    },
    onTransportError: (error, transaction) => {
      media.pass(createResponse(transaction.request, 503), server, client)
      handlers.onTransportError(error, transaction)
    },
  }
}
