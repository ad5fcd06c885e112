/** Who may import whom. A path names a file, or a folder with all in it; the longest one that fits decides. */

const runtime = "src/runtime/runtime.ts"
const journal = "src/runtime/journal.ts"
const link = "src/link/link.ts"
const transport = "src/sip/transport/transport.ts"

/** What proxy and registrar share: which domains are theirs, who may use them, how to refuse, and the port to the bindings. */
const edge = ["served-domains", "authenticator", "refusal", "location-service", "gruus"].map((name) => `src/sip/registrar/${name}.ts`)

/** How bindings are told apart, and which device they are of. */
const bindings = ["binding-key", "instance"].map((name) => `src/sip/registrar/${name}.ts`)

/** What anybody may import. */
export const common: readonly string[] = ["src/errors.ts", "src/codec.ts", "src/hmac.ts", "src/keyed-hash.ts", "src/soon.ts", "src/runtime/pause.ts"]

/** What the files of a layer may import beyond {@link common} and their own layer. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  "src/errors.ts": [],
  "src/codec.ts": [],
  "src/hmac.ts": [],
  "src/keyed-hash.ts": [],
  "src/soon.ts": [],
  "src/runtime": [],
  "src/dns": [runtime],
  "src/link": [runtime],
  "src/servlet": [link, runtime, journal],
  "src/overlay": ["src/servlet", link, runtime, journal],
  "backends": ["src/servlet"],
  "backends/memory": ["src/servlet", runtime],
  "backends/bamboo": ["src/servlet", "src/overlay", link, runtime],
  "backends/chord": ["src/servlet", "src/overlay", link, runtime],
  "backends/kademlia": ["src/servlet", "src/overlay", link, runtime],
  "backends/ssr": ["src/servlet", "src/overlay", link, runtime],
  "src/sip/message": [],
  "src/sip/transport": ["src/sip/message", "src/dns/dns.ts", link, runtime],
  "src/sip/transaction": ["src/sip/message", transport, "src/sip/transport/host-port.ts", runtime],
  "src/sip/registrar": ["src/sip/message", "src/sip/transaction", transport, "src/sip/transport/host-port.ts", runtime],
  "src/sip/proxy": ["src/sip/message", "src/sip/transaction", "src/sip/transport", ...edge, runtime],
  "src/sip/events": ["src/sip/message", "src/sip/transaction", "src/sip/transport", "src/sip/agent/dialog.ts", ...edge, ...bindings, runtime],
  "src/sip/agent": ["src/sip/message", "src/sip/transaction", "src/sip/transport", "src/security/digest-client.ts", runtime],
  "src/sip/index.ts": ["src/sip"],
  "src/media": ["src/sip/message", "src/sip/transport", link, runtime],
  "src/security": ["src/servlet/types.ts", "src/sip/message", "src/sip/registrar/authenticator.ts", transport, "src/sip/transport/source.ts", runtime],
  "src/peer": ["src/servlet", "src/link", "src/dns", "src/security", "src/sip", "src/media", "src/runtime", "backends/index.ts"],
  "src/index.ts": ["src", "backends/index.ts"],
  "src/sim": ["src/peer", "src/servlet", "src/overlay", "src/link", "src/runtime", "src/sip/agent", "src/sip/transport", "backends"],
  "src/bench": ["src", "backends"],
  "src/cli": ["src/peer", "src/bench", "src/sim", "src/runtime", "src/servlet", "src/sip/agent", "src/sip/transport", "backends"],
  "test/conformance": ["src/servlet"],
}

/** The entry of a table of paths that fits a file best. */
export function entryFor(path: string, table: Iterable<string>): string | undefined {
  let best: string | undefined
  for (const entry of table) {
    if (contains(entry, path) && (best === undefined || entry.length > best.length)) best = entry
  }
  return best
}

/** Whether `path` is the entry, or lies in it. */
export function contains(entry: string, path: string): boolean {
  return path === entry || path.startsWith(`${entry}/`)
}
