import type { Daemon } from "../../src/bench/daemon.ts"
import { silentLogger } from "../../src/runtime/log.ts"
import { noMetrics } from "../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../src/runtime/node.ts"
import { UserAgent } from "../../src/sip/agent/index.ts"
import { TcpTransport, UdpTransport } from "../../src/sip/transport/index.ts"
import { domain } from "./checks.ts"

/** What is otherwise than usual with an agent. */
export interface AgentSettings {
  /** @default udp */
  readonly protocol?: "udp" | "tcp"
  readonly password?: string
}

/** A phone inside this process, registered at a peer or through the proxy at that port, which answers half a second after it is called. */
export async function startAgent(name: string, at: Daemon | number, { protocol = "udp", password }: AgentSettings = {}): Promise<UserAgent> {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const transport = protocol === "udp" ? new UdpTransport({ runtime }, { port: 0 }) : new TcpTransport({ runtime }, { port: 0 })
  const proxy = { host: "127.0.0.1", port: typeof at === "number" ? at : at.sipPort(protocol) }
  const agent = new UserAgent({ runtime, transport }, { addressOfRecord: `sip:${name}@${domain}`, proxy, ...(password === undefined ? {} : { password }) })
  await agent.start()
  agent.onEvent((event) => {
    if (event.name !== "incoming") return
    event.call.ring()
    runtime.setTimer(500, () => event.call.answer())
  })
  const outcome = await agent.register()
  if (outcome.kind !== "registered") throw new Error(`${name}: expected to register, found ${outcome.status} ${outcome.reason}`)
  return agent
}
