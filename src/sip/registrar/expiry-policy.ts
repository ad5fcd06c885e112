/** For how long registrations are granted, and how many: the same for all domains, or by domain. */
import type { ExpiryOptions } from "./contacts.ts"

const defaults: ExpiryOptions = { defaultExpiresSeconds: 3600, minExpiresSeconds: 60, maxExpiresSeconds: 7200, maxContacts: 16 }

/** Of {@link ExpiryOptions} what is chosen. */
export type PartialExpiry = { readonly [Name in keyof ExpiryOptions]?: number | undefined }

/** See the head of this file. */
export class ExpiryPolicy {
  readonly #usual: ExpiryOptions
  readonly #byDomain: ReadonlyMap<string, ExpiryOptions>

  constructor(options: PartialExpiry & { readonly byDomain?: Readonly<Record<string, PartialExpiry>> | undefined }) {
    const usual = merge(options, defaults)
    this.#usual = usual
    this.#byDomain = new Map(Object.entries(options.byDomain ?? {}).map(([domain, other]) => [domain.toLowerCase(), merge(other, usual)]))
  }

  for(addressOfRecord: string): ExpiryOptions {
    if (this.#byDomain.size === 0) return this.#usual
    return this.#byDomain.get(addressOfRecord.slice(addressOfRecord.lastIndexOf("@") + 1)) ?? this.#usual
  }
}

function merge(options: PartialExpiry, fallback: ExpiryOptions): ExpiryOptions {
  return {
    defaultExpiresSeconds: options.defaultExpiresSeconds ?? fallback.defaultExpiresSeconds,
    minExpiresSeconds: Math.min(options.minExpiresSeconds ?? fallback.minExpiresSeconds, 3600),
    maxExpiresSeconds: options.maxExpiresSeconds ?? fallback.maxExpiresSeconds,
    maxContacts: options.maxContacts ?? fallback.maxContacts,
  }
}
