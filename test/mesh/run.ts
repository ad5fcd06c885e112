/**
 * A real mesh on one machine: routers in network namespaces, veth cables
 * between them, SIPp as phones. See README.md.
 *
 *     npm run test:mesh -- [--part line|media|phones|ring|against]
 */
import { runParts } from "../interop/parts.ts"
import { against } from "./against.ts"
import { phones } from "./baresip.ts"
import { line } from "./line.ts"
import { media } from "./media.ts"
import { ring } from "./ring.ts"

await runParts({ what: "the mesh", parts: { line, media, phones, ring, against } })
