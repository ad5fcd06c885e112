import type { Certificates, HostPort } from "../../src/sip/transport/index.ts"

export type PhoneProtocol = "UDP" | "TCP" | "TLS" | "WSS"

/** A peer, as far as a phone knows it. */
export interface Home {
  readonly domain: string
  addressFor(protocol: PhoneProtocol): HostPort
}

/** What a phone can be given; what is left out is as usual. */
export interface PhoneSettings {
  /** @default "UDP" */
  readonly protocol?: PhoneProtocol
  /** Whom it trusts; for TLS and WSS. */
  readonly certificates?: Certificates
  /** Its outbound proxy. @default the first peer */
  readonly peer?: Home
  /** Its user. @default its name */
  readonly user?: string
  /** Parameters of its Contact, e.g. `;q=0.5` or `;+sip.instance="<urn:uuid:1>";reg-id=1`. */
  readonly contactParameters?: string
  /** For digest. */
  readonly password?: string
  /** The IP address that it has. @default "127.0.0.1" */
  readonly host?: string
  /** The port that it has. @default any */
  readonly port?: number
}

/** Headers to set in place of the usual ones; undefined takes one away. */
export type HeaderChanges = Readonly<Record<string, string | readonly string[] | undefined>>
