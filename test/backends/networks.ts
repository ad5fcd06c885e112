/** Servlets of one backend for the suites: in the simulator, on memory Links, on libp2p. */
import { createLibp2pLink } from "../../src/link/libp2p.ts"
import type { Link } from "../../src/link/link.ts"
import { MemoryLink, MemoryNetwork } from "../../src/link/memory.ts"
import { NodeRuntime } from "../../src/runtime/node.ts"
import type { BackendComponents, P2PSipServlet } from "../../src/servlet/index.ts"
import type { SimPeer } from "../../src/sim/index.ts"
import { Simulation } from "../../src/sim/index.ts"
import type { Network } from "../conformance/index.ts"

/** Makes one servlet of the backend under test. */
export type CreateServlet = (components: BackendComponents) => P2PSipServlet

/** On a virtual clock. */
export async function simulatedNetwork(createServlet: CreateServlet, seed: number): Promise<Network> {
  const simulation = new Simulation({ seed, latency: 5 })
  const processes = new Map<P2PSipServlet, SimPeer>()
  let named = 0
  let driving: Promise<void> | undefined
  const drive = (isDone: () => boolean): Promise<void> =>
    simulation.runUntil(isDone, 600_000, 1).finally(() => {
      driving = undefined
    })
  return {
    create: async () => {
      const process = simulation.addPeer(`peer${++named}`)
      await process.link.start()
      const servlet = createServlet(process)
      processes.set(servlet, process)
      return servlet
    },
    bootstrap: () => joinedAddresses(processes, ({ link }) => link),
    run: async (work) => {
      let isSettled = false
      const settle = (): void => {
        isSettled = true
      }
      work.then(settle, settle)
      while (!isSettled) await (driving ??= drive(() => isSettled))
      return work
    },
    advance: (ms) => simulation.run(ms),
    crash: async (servlet) => {
      processes.get(servlet)?.crash()
      processes.delete(servlet)
    },
    close: async () => undefined,
  }
}

/** On the clock of this machine, over Links inside this process. */
export async function memoryNetwork(createServlet: CreateServlet): Promise<Network> {
  const medium = new MemoryNetwork()
  return realNetwork(
    createServlet,
    async (runtime) => new MemoryLink({ runtime, network: medium }),
    async (link) => medium.kill(link.self.peerId),
  )
}

/** On the clock of this machine, over TCP on loopback. */
export async function libp2pNetwork(createServlet: CreateServlet): Promise<Network> {
  return realNetwork(
    createServlet,
    (runtime) => createLibp2pLink({ runtime }, { listen: ["/ip4/127.0.0.1/tcp/0"] }),
    (link) => link.stop(),
  )
}

async function realNetwork(
  createServlet: CreateServlet,
  createLink: (runtime: NodeRuntime) => Promise<Link>,
  crash: (link: Link) => Promise<void>,
): Promise<Network> {
  const links = new Map<P2PSipServlet, Link>()
  return {
    create: async () => {
      const runtime = new NodeRuntime()
      const link = await createLink(runtime)
      await link.start()
      const servlet = createServlet({ runtime, link })
      links.set(servlet, link)
      return servlet
    },
    bootstrap: () => joinedAddresses(links, (link) => link),
    run: (work) => work,
    advance: () => Promise.reject(new Error("the time of this machine cannot be moved")),
    crash: async (servlet) => {
      const link = links.get(servlet)
      links.delete(servlet)
      if (link !== undefined) await crash(link)
    },
    close: async () => {
      await Promise.all([...links.keys()].filter(({ state }) => state === "joined").map((servlet) => servlet.leave()))
      await Promise.all([...links.values()].map((link) => link.stop()))
    },
  }
}

function joinedAddresses<T>(made: ReadonlyMap<P2PSipServlet, T>, linkOf: (made: T) => Link): string[] {
  return [...made].filter(([servlet]) => servlet.state === "joined").flatMap(([, each]) => linkOf(each).self.addresses)
}
