/** Publications in a Map: what a compositor needs, without a network. They do not end by themselves. */
import { P2PSipError } from "../../src/errors.ts"
import type { Publication, PublicationChange, PublicationService } from "../../src/sip/events/index.ts"

export class MapPublications implements PublicationService {
  readonly #publications = new Map<string, Map<string, Publication>>()

  async find(event: string, addressOfRecord: string): Promise<readonly Publication[]> {
    return [...(this.#publications.get(`${event} ${addressOfRecord}`)?.values() ?? [])]
  }

  async change(event: string, addressOfRecord: string, change: PublicationChange): Promise<void> {
    const key = `${event} ${addressOfRecord}`
    const publications = this.#publications.get(key) ?? new Map<string, Publication>()
    const { id, number } = change.kind === "remove" ? change : change.publication
    const known = publications.get(id)
    if (change.kind === "create") {
      if (publications.size >= change.maxPublications) throw new P2PSipError("P2PSIP_TOO_MANY_VALUES", "too many publications")
    } else if (known === undefined || known.number >= number) throw new P2PSipError("P2PSIP_PRECONDITION", "another publication")
    if (change.kind === "remove") publications.delete(id)
    else publications.set(id, change.publication)
    this.#publications.set(key, publications)
  }
}
