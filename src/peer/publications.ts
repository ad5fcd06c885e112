/**
 * What users publish, on a servlet: any peer takes it, and any peer finds it.
 *
 * A package and an address-of-record are a key, each publication is one of its
 * values; its number is the place in the series of its changes, so that of two
 * changes to the same state the owner of the key makes one.
 *
 * | field | form |
 * |---|---|
 * | version | one byte, 1 |
 * | number | four bytes |
 * | document | byte string, at most 8192 bytes |
 */
import { badFrame, ByteReader, ByteWriter } from "../codec.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { Mutation, P2PSipServlet, Precondition, Value } from "../servlet/index.ts"
import { maxDocumentBytes } from "../sip/events/index.ts"
import type { Publication, PublicationChange, PublicationService } from "../sip/events/index.ts"

/** What they are built on. */
export interface ServletPublicationsComponents {
  readonly runtime: Runtime
  readonly servlet: Pick<P2PSipServlet, "update" | "get" | "capabilities">
}

const version = 1
const idBytes = 8

/** See the head of this file. */
export class ServletPublications implements PublicationService {
  readonly #servlet: ServletPublicationsComponents["servlet"]
  readonly #malformed: Counter

  constructor({ runtime, servlet }: ServletPublicationsComponents) {
    this.#servlet = servlet
    this.#malformed = runtime.metrics.counter("p2psip_malformed_publications_total", "Values in the overlay that should be publications and are not.")
  }

  async find(event: string, addressOfRecord: string): Promise<readonly Publication[]> {
    const values = await this.#servlet.get(keyOf(event, addressOfRecord))
    return values.flatMap((value) => {
      try {
        return [decode(value)]
      } catch {
        // Anybody may put under any key: what is no publication must not hide those that are.
        this.#malformed.add()
        return []
      }
    })
  }

  async change(event: string, addressOfRecord: string, change: PublicationChange): Promise<void> {
    const { preconditions, sequences } = this.#servlet.capabilities
    const { id, number } = change.kind === "remove" ? change : change.publication
    const valueHash = Buffer.from(id, "hex")
    const placed = { valueHash, ...(sequences ? { sequence: { series: valueHash, number } } : {}) }
    const mutation: Mutation = change.kind === "remove"
      ? { kind: "remove", ...placed }
      : { kind: "put", value: encode(change.publication), ttlSeconds: change.publication.expiresSeconds, ...placed }
    await this.#servlet.update(keyOf(event, addressOfRecord), [mutation], preconditions ? [conditionOf(change, valueHash)] : [])
  }
}

function conditionOf(change: PublicationChange, valueHash: Uint8Array): Precondition {
  return change.kind === "create" ? { kind: "atMost", values: change.maxPublications } : { kind: "exists", valueHash }
}

/** No address-of-record begins like this, and no other key of ours. */
function keyOf(event: string, addressOfRecord: string): Uint8Array {
  return Buffer.from(`p2psip:event:${event}:${addressOfRecord}`, "latin1")
}

function encode({ number, document }: Publication): Uint8Array {
  return new ByteWriter(document.length + 16).uint8(version).uint32(number).bytes(document).finish()
}

/** Throws `P2PSIP_BAD_FRAME`: the bytes come from another peer. */
function decode({ value, valueHash, ttlSeconds }: Value): Publication {
  if (valueHash.length !== idBytes) throw badFrame(`an identifier of ${idBytes} bytes`, `${valueHash.length}`)
  const reader = new ByteReader(value)
  const found = reader.uint8()
  if (found !== version) throw badFrame(`a publication of version ${version}`, `version ${found}`)
  const number = reader.uint32()
  const document = reader.bytes(maxDocumentBytes)
  reader.end()
  return { id: Buffer.from(valueHash).toString("hex"), number, document, expiresSeconds: ttlSeconds }
}
