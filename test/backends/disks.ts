/** A network whose servlets each have a data folder. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { P2PSipServlet } from "../../src/servlet/index.ts"
import type { Network } from "../conformance/index.ts"
import type { CreateServlet } from "./networks.ts"

/** The folders, and the files that servlets still have open, go when the network is closed. */
export async function withDisks(create: CreateServlet, createNetwork: (create: CreateServlet) => Promise<Network>): Promise<Network> {
  const root = await mkdtemp(join(tmpdir(), "p2psip-disks-"))
  const servlets = new Set<P2PSipServlet>()
  let folders = 0
  const network = await createNetwork((components) => {
    const servlet = create({ ...components, dataFolder: join(root, `${++folders}`) })
    servlets.add(servlet)
    return servlet
  })
  return {
    ...network,
    ...(network.crash === undefined ? {} : {
      crash: async (servlet: P2PSipServlet) => {
        servlets.delete(servlet)
        await network.crash?.(servlet)
      },
    }),
    close: async () => {
      const joined = [...servlets].filter(({ state }) => state === "joined")
      await network.run(Promise.all(joined.map((servlet) => servlet.leave({ signal: AbortSignal.abort() }))))
      await network.close()
      await rm(root, { recursive: true })
    },
  }
}
