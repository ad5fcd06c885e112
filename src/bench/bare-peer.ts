/** A peer without a network: its SIP side and its overlay, alone, and messages that come and go by hand. */
import { loadBackend } from "../../backends/index.ts"
import { MemoryLink, MemoryNetwork } from "../link/memory.ts"
import { parseConfig } from "../peer/config.ts"
import { OverlayGruuKeys } from "../peer/gruu-keys.ts"
import { ServletLocation } from "../peer/location.ts"
import { SipEdge } from "../peer/sip-edge.ts"
import { NodeRuntime } from "../runtime/node.ts"
import { NullTransport } from "./null-transport.ts"

/** Starts one for the domain `example.org`; what its only transport receives and sends is all that is seen of it. */
export async function startBarePeer(): Promise<NullTransport> {
  const runtime = new NodeRuntime({ logLevel: "error" })
  const backend = await loadBackend("chord")
  const link = new MemoryLink({ runtime, network: new MemoryNetwork() })
  await link.start()
  const servlet = backend.create({ runtime, link }, backend.optionsSchema.parse({}))
  await servlet.join()
  const transport = new NullTransport()
  const location = new ServletLocation({ runtime, servlet })
  const gruuKeys = new OverlayGruuKeys({ runtime, servlet })
  const edge = new SipEdge({ runtime, link, location, gruuKeys, secret: runtime.random.bytes(32), listeners: [transport] }, parseConfig({ domains: ["example.org"] }))
  await edge.start()
  return transport
}
