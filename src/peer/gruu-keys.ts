/**
 * The secrets of temporary GRUUs, in the overlay: every peer must be able to
 * open what any other has sealed. Whoever needs the secret of a week first
 * makes it; `putOrGet` lets one be first.
 */
import { badFrame, ByteReader, ByteWriter } from "../codec.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { P2PSipServlet } from "../servlet/index.ts"
import { GruuKey, type GruuKeys } from "../sip/registrar/gruu-key.ts"

export interface OverlayGruuKeysComponents {
  readonly runtime: Runtime
  readonly servlet: Pick<P2PSipServlet, "get" | "putOrGet">
}

const daySeconds = 86_400
/** A new secret each week. */
const periodSeconds = 7 * daySeconds
/** So long GRUUs can be opened: eight weeks after the last was made with a secret. */
const keptPeriods = 8
const keptSeconds = (keptPeriods + 1) * periodSeconds
/** Peers' clocks may differ. */
const earlyPeriods = 1
/** How long nothing is asked after there was no secret: neither a phone nor an overlay that is away makes this peer ask again and again. */
const absenceMs = 30_000
const version = 1
const secretBytes = 32

/** See the head of this file. */
export class OverlayGruuKeys implements GruuKeys {
  readonly #components: OverlayGruuKeysComponents
  readonly #keys = new Map<number, Promise<GruuKey | undefined>>()
  /** Until when not to ask again, by number. */
  readonly #absent = new Map<number, number>()
  #pausedUntil = 0
  readonly #malformed: Counter

  constructor(components: OverlayGruuKeysComponents) {
    this.#components = components
    this.#malformed = components.runtime.metrics.counter("p2psip_malformed_gruu_keys_total", "Values in the overlay that should be secrets of GRUUs and are not.")
  }

  async current(): Promise<GruuKey | undefined> {
    const { runtime } = this.#components
    if (runtime.now() < this.#pausedUntil) return undefined
    const number = this.#period()
    const key = await this.#remember(number, () => this.#make(number))
    if (key === undefined) this.#pausedUntil = runtime.now() + absenceMs
    return key
  }

  async find(number: number): Promise<GruuKey | undefined> {
    const { runtime } = this.#components
    const age = this.#period() - number
    if (age > keptPeriods || age < -earlyPeriods || runtime.now() < (this.#absent.get(number) ?? 0)) return undefined
    const key = await this.#remember(number, () => this.#fetch(number))
    if (key === undefined) this.#absent.set(number, runtime.now() + absenceMs)
    return key
  }

  async #make(number: number): Promise<GruuKey> {
    const { runtime, servlet } = this.#components
    const made = new ByteWriter(64).uint8(version).bytes(runtime.random.bytes(secretBytes)).finish()
    const { value } = await servlet.putOrGet(keyOf(number), made, { valueHash: "secret", ttlSeconds: keptSeconds })
    return this.#read(number, value.value)
  }

  async #fetch(number: number): Promise<GruuKey | undefined> {
    const [found] = await this.#components.servlet.get(keyOf(number))
    return found && this.#read(number, found.value)
  }

  /** Asks once for all who want to know at the same time. What has been found stays. */
  #remember(number: number, ask: () => Promise<GruuKey | undefined>): Promise<GruuKey | undefined> {
    const known = this.#keys.get(number)
    if (known !== undefined) return known
    this.#forgetOld()
    const key = ask().catch((error: unknown) => {
      this.#components.runtime.log.warn({ error, period: number }, "the secret of temporary GRUUs could not be had")
      return undefined
    })
    this.#keys.set(number, key)
    void key.then((found) => {
      if (found === undefined) this.#keys.delete(number)
    })
    return key
  }

  #forgetOld(): void {
    const oldest = this.#period() - keptPeriods
    for (const table of [this.#keys, this.#absent]) {
      for (const number of table.keys()) if (number < oldest) table.delete(number)
    }
  }

  #read(number: number, bytes: Uint8Array): GruuKey {
    try {
      const reader = new ByteReader(bytes)
      const found = reader.uint8()
      if (found !== version) throw badFrame(`a secret of version ${version}`, `version ${found}`)
      const secret = reader.bytes(secretBytes)
      reader.end()
      return new GruuKey(number, secret)
    } catch (error) {
      this.#malformed.add()
      throw error
    }
  }

  /** Weeks since 1970. */
  #period(): number {
    return Math.floor(this.#components.runtime.wallClock() / 1000 / periodSeconds) % 65_536
  }
}

function keyOf(number: number): string {
  return `p2psip:gruu:${number}`
}
