/** The Chord backend: a servlet on a ring of peers. See README.md and PROTOCOL.md. */
import type { OverlayOptions } from "../../src/overlay/index.ts"
import { OverlayServlet, overlayOptionsSchema } from "../../src/overlay/index.ts"
import type { BackendComponents, BackendModule } from "../../src/servlet/index.ts"
import type { ChordOptions } from "./options.ts"
import { chordOptionsShape } from "./options.ts"
import { ChordRouting } from "./routing.ts"

export type { ChordOptions } from "./options.ts"
export { ChordRouting } from "./routing.ts"

/** Options of the Chord backend: its routing's, and those of the storage above it. */
export type ChordBackendOptions = OverlayOptions & ChordOptions

/** A servlet whose records live on a Chord ring. */
export function createBackend(components: BackendComponents, options: ChordBackendOptions = {}): OverlayServlet {
  return new OverlayServlet("chord", components, (context) => new ChordRouting(context, options), options)
}

/** The entry of the table of backends. */
export const backend: BackendModule<ChordBackendOptions> = {
  name: "chord",
  takesFounders: true,
  optionsSchema: overlayOptionsSchema.extend(chordOptionsShape),
  create: createBackend,
}
