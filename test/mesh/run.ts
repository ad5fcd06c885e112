/**
 * A real mesh on one machine: routers in network namespaces, veth cables
 * between them, SIPp as phones. See README.md.
 *
 *     npm run test:mesh -- [--part line|media|ring|against]
 */
import { runParts } from "../interop/parts.ts"
import { against } from "./against.ts"
import { line } from "./line.ts"
import { media } from "./media.ts"
import { ring } from "./ring.ts"

await runParts({ what: "the mesh", parts: { line, media, ring, against } })
