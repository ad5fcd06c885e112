/**
 * An overlay inside one process and in real time, for other people's tests:
 *
 * ```ts
 * import { createTestnet } from "p2psip/testnet"
 *
 * const testnet = await createTestnet(5)
 * await testnet.servlets[0].put("sip:a@example.test", "1")
 * await testnet.stop()
 * ```
 *
 * @module
 */
import { loadBackend } from "../../backends/index.ts"
import { badArgument, P2PSipError } from "../errors.ts"
import { MemoryLink, MemoryNetwork } from "../link/memory.ts"
import { NodeRuntime } from "../runtime/node.ts"
import type { P2PSipServlet } from "../servlet/servlet.ts"

/** Which backend the peers run. */
export interface TestnetOptions {
  /** A name as in the configuration. @default "chord" */
  readonly backend?: string
  readonly backendOptions?: Readonly<Record<string, unknown>>
}

/** Peers that have all joined one overlay. */
export interface Testnet {
  /** Those that live, in the order in which they joined. Throws `P2PSIP_NOT_OPEN` where all have been killed. */
  readonly servlets: readonly [P2PSipServlet, ...P2PSipServlet[]]
  /** Addresses that a further peer in the same process may join through. */
  readonly bootstrap: readonly string[]
  /** One more peer. */
  add(): Promise<P2PSipServlet>
  /** A peer dies without a word; its servlet is of no use any more. */
  kill(servlet: P2PSipServlet): void
  /** All leave, together, and everything ends. */
  stop(): Promise<void>
}

interface Running {
  readonly servlet: P2PSipServlet
  readonly link: MemoryLink
}

/** Starts `size` peers and lets them join, one after the other. See the head of this file. */
export async function createTestnet(size: number, options: TestnetOptions = {}): Promise<Testnet> {
  if (!Number.isInteger(size) || size < 1) badArgument("size", "a whole number of peers, 1 or more", size)
  const backend = await loadBackend(options.backend ?? "chord")
  const backendOptions = backend.optionsSchema.parse(options.backendOptions ?? {})
  const network = new MemoryNetwork()
  const peers: Running[] = []
  const bootstrap = (): string[] => peers.slice(0, 3).flatMap(({ link }) => link.self.addresses)

  const add = async (): Promise<P2PSipServlet> => {
    const runtime = new NodeRuntime({ logLevel: "error" })
    const link = new MemoryLink({ runtime, network })
    await link.start()
    const servlet = backend.create({ runtime, link }, backendOptions)
    await servlet.join(bootstrap())
    peers.push({ servlet, link })
    return servlet
  }
  while (peers.length < size) await add()

  return {
    get servlets(): [P2PSipServlet, ...P2PSipServlet[]] {
      const [first, ...others] = peers.map(({ servlet }) => servlet)
      if (first === undefined) throw new P2PSipError("P2PSIP_NOT_OPEN", "expected a testnet in which somebody lives, found that all were killed; call add()")
      return [first, ...others]
    },
    get bootstrap() {
      return bootstrap()
    },
    add,
    kill: (servlet) => {
      const at = peers.findIndex((peer) => peer.servlet === servlet)
      const [peer] = at === -1 ? [] : peers.splice(at, 1)
      peer?.link.die()
    },
    stop: async () => {
      await Promise.all(peers.map(({ servlet }) => servlet.leave()))
      await Promise.all(peers.map(({ link }) => link.stop()))
    },
  }
}
