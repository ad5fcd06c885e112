/**
 * The certificate that this element shows, from files, and renewed while it
 * runs: new connections get the new one, those that exist keep theirs.
 */
import { X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import { createSecureContext } from "node:tls"
import { P2PSipError } from "../../errors.ts"
import type { Runtime, Timer } from "../../runtime/runtime.ts"

/** What can be set on {@link Certificates}. */
export interface CertificateOptions {
  /** Path of a PEM file: the certificate, then those that lead from it to a root. */
  readonly certificate: string
  /** Path of a PEM file with its private key. */
  readonly key: string
  /** Path of a PEM file with the roots that others' certificates must lead to. @default those that come with Node */
  readonly ca?: string | undefined
  /** How often the files are looked at. @default 60000 */
  readonly checkIntervalMs?: number
}

/** What TLS takes, as PEM. */
export interface TlsCredentials {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
}

/** See the head of this file. */
export class Certificates {
  readonly #runtime: Runtime
  readonly #options: CertificateOptions
  readonly #listeners = new Set<(credentials: TlsCredentials) => void>()
  #credentials: TlsCredentials | undefined
  #validUntilMs = 0
  #timer: Timer | undefined

  constructor(components: { readonly runtime: Runtime }, options: CertificateOptions) {
    this.#runtime = components.runtime
    this.#options = options
    components.runtime.metrics.gauge(
      "p2psip_sip_certificate_valid_until_seconds",
      "When the SIP listeners' certificate ends, in seconds since 1970; 0 before it is read.",
      () => this.#validUntilMs / 1000,
    )
  }

  /** Reads the files for the first time, and looks at them again from then on. Rejects with `P2PSIP_BAD_CONFIG`. */
  async start(): Promise<void> {
    this.#use(await this.#read())
    this.#checkLater()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** What to show just now. Throws before {@link start}. */
  get credentials(): TlsCredentials {
    if (this.#credentials === undefined) throw new P2PSipError("P2PSIP_BAD_CONFIG", "tls: expected certificates that have been read, found none")
    return this.#credentials
  }

  /** Adds a listener for each renewal; the result removes it. */
  onRenewal(listener: (credentials: TlsCredentials) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Reads the files again; true where they have changed. Rejects with
   * `P2PSIP_BAD_CONFIG` where they cannot be used, and keeps the old ones.
   */
  async reload(): Promise<boolean> {
    const found = await this.#read()
    const { cert, key, ca } = this.credentials
    if (cert.equals(found.cert) && key.equals(found.key) && (ca ?? noBytes).equals(found.ca ?? noBytes)) return false
    this.#use(found)
    for (const listener of this.#listeners) listener(found)
    this.#runtime.log.info({ validUntil: new Date(this.#validUntilMs).toISOString() }, "the TLS certificate was renewed")
    return true
  }

  #use(credentials: TlsCredentials): void {
    this.#credentials = credentials
    this.#validUntilMs = Date.parse(new X509Certificate(credentials.cert).validTo)
    if (this.#validUntilMs < this.#runtime.wallClock()) {
      this.#runtime.log.warn({ validUntil: new Date(this.#validUntilMs).toISOString() }, "the TLS certificate has expired")
    }
  }

  async #read(): Promise<TlsCredentials> {
    const { certificate, key, ca } = this.#options
    const credentials = {
      cert: await readPem("tls.certificate", certificate),
      key: await readPem("tls.key", key),
      ...(ca === undefined ? {} : { ca: await readPem("tls.ca", ca) }),
    }
    try {
      createSecureContext(credentials)
    } catch (cause) {
      throw badTls("tls", `a PEM certificate in ${certificate} and its private key in ${key}`, cause)
    }
    return credentials
  }

  #checkLater(): void {
    this.#timer = this.#runtime.setTimer(this.#options.checkIntervalMs ?? 60_000, () => {
      this.#checkLater()
      this.reload().catch((error: unknown) => this.#runtime.log.warn({ error }, "the TLS certificate could not be renewed"))
    })
  }
}

const noBytes = Buffer.alloc(0)

async function readPem(key: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw badTls(key, `a readable PEM file at ${path}`, cause)
  }
}

/** Quotes codes and messages of the platform only: they hold nothing of the key. */
function badTls(key: string, expected: string, cause: unknown): P2PSipError {
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { code: undefined, message: String(cause) }
  return new P2PSipError("P2PSIP_BAD_CONFIG", `${key}: expected ${expected}, found ${code ?? message}`, { cause })
}
