import type { webcrypto } from "node:crypto"

/**
 * The few names of the web platform that libp2p's type declarations use and
 * Node's do not have. The whole DOM would bring hundreds of globals (`name`,
 * `event`, `close`) that hide misspelt variables from the compiler.
 */
declare global {
  type JsonWebKey = webcrypto.JsonWebKey
  type CryptoKeyPair = webcrypto.CryptoKeyPair

  interface EventInit {
    bubbles?: boolean
    cancelable?: boolean
    composed?: boolean
  }

  interface CustomEventInit<T = unknown> extends EventInit {
    detail?: T
  }

  interface AddEventListenerOptions extends EventListenerOptions {
    once?: boolean
    passive?: boolean
    signal?: AbortSignal
  }
}
