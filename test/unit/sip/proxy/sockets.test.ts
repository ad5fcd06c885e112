import { afterEach, describe, expect, it } from "vitest"
import { NodeRuntime } from "../../../../src/runtime/node.ts"
import { UserAgent } from "../../../../src/sip/agent/index.ts"
import { DialogTokens, pathThrough, SipProxy } from "../../../../src/sip/proxy/index.ts"
import { Registrar, ServedDomains } from "../../../../src/sip/registrar/index.ts"
import { TransactionLayer } from "../../../../src/sip/transaction/index.ts"
import { TcpTransport, TransportSet, UdpTransport } from "../../../../src/sip/transport/index.ts"
import { MapLocation } from "../../../support/map-location.ts"

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const runtime = new NodeRuntime({ logLevel: "error" })

async function startProxy() {
  const udp = new UdpTransport({ runtime }, { port: 0 })
  const tcp = new TcpTransport({ runtime }, { port: 0 })
  const transports = new TransportSet({ runtime, transports: [udp, tcp] })
  const layer = new TransactionLayer({ runtime, transports: transports.all })
  const domains = new ServedDomains(["example.org"], (host, port) => transports.isSelf(host, port))
  const location = new MapLocation()
  const registrar = new Registrar({
    runtime,
    location,
    domains,
    pathFor: pathThrough(transports),
    send: (response, flow) => layer.sendStateless(response, flow),
  })
  const dialogTokens = new DialogTokens(runtime.random.bytes(32))
  const proxy = new SipProxy({ runtime, layer, transports, location, domains, dialogTokens })
  layer.onStateless((request, flow) => registrar.handle(request, flow))
  layer.onRequest((transaction) => proxy.handle(transaction))
  layer.onStray((message, flow) => proxy.handleStray(message, flow))
  await transports.start()
  stops.push(async () => {
    layer.stop()
    await transports.stop()
  })
  return { udp, tcp }
}

type Started = Awaited<ReturnType<typeof startProxy>>

async function startAgent(name: string, protocol: "UDP" | "TCP", { udp, tcp }: Started): Promise<UserAgent> {
  const transport = protocol === "UDP" ? new UdpTransport({ runtime }, { port: 0 }) : new TcpTransport({ runtime }, { port: 0 })
  const proxy = protocol === "UDP" ? udp.advertised : tcp.advertised
  const agent = new UserAgent({ runtime, transport }, { addressOfRecord: `sip:${name}@example.org`, proxy })
  await agent.start()
  stops.push(() => agent.stop())
  return agent
}

describe.each([
  ["UDP", "UDP"],
  ["TCP", "TCP"],
  ["UDP", "TCP"],
  ["TCP", "UDP"],
] as const)("on real sockets, a caller on %s and a callee on %s", (caller, callee) => {
  it("talk and hang up", async () => {
    const proxy = await startProxy()
    const alice = await startAgent("alice", caller, proxy)
    const bob = await startAgent("bob", callee, proxy)
    bob.onEvent((event) => {
      if (event.name !== "incoming") return
      event.call.ring()
      event.call.answer()
    })
    expect((await bob.register()).kind).toBe("registered")
    const call = alice.call("sip:bob@example.org")
    expect(await call.outcome).toEqual({ kind: "established" })
    const [answered] = bob.calls
    call.hangUp()
    await answered?.ended
    expect(bob.calls).toEqual([])
  })
})
