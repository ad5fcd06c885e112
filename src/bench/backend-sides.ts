/** The backends of this package as sides of a bench: whole peers as processes, or all of them in one. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { PeerConfigInput } from "../peer/config.ts"
import { endAll, inOneProcess, sideOf } from "./host-side.ts"
import type { HostProcess } from "./hosted.ts"
import { startHost } from "./hosted.ts"
import type { Setup } from "./model.ts"
import { domain } from "./side.ts"
import type { Side, SideKind } from "./side.ts"

/** A backend by its name. */
export function backendSide(backend: string): SideKind {
  return {
    name: backend,
    about: `backend ${backend} of this package`,
    does: ({ by }, { kind, peers, storage }) => kind === "processes"
      ? peers === 1 || backend !== "memory"
      : by !== "sip" && storage === "memory",
    missing: () => undefined,
    start: (setup) => (setup.kind === "processes" ? startPeers(backend, setup) : startOverlay(backend, setup)),
  }
}

async function startPeers(backend: string, setup: Setup): Promise<Side> {
  const folder = setup.storage === "sqlite" ? mkdtempSync(join(tmpdir(), "p2psip-bench-")) : undefined
  const hosts: HostProcess[] = []
  const end = async (): Promise<void> => {
    await endAll(hosts)
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
  const start = async (index: number): Promise<void> => {
    const config: PeerConfigInput = {
      backend,
      domains: [domain],
      sip: ["udp:127.0.0.1:0"],
      logLevel: "error",
      bootstrap: hosts[0]?.hosted.listen ?? [],
      ...(folder === undefined ? {} : { data: join(folder, `${index}`), storage: setup.storage }),
    }
    hosts.push(await startHost(`${backend}, peer ${index + 1}`, { kind: "peer", config }))
  }
  try {
    await start(0)
    for (let index = 1; index < setup.peers; index++) await start(index)
  } catch (error) {
    await end()
    throw error
  }
  return { ...sideOf(hosts, setup.entry), end }
}

async function startOverlay(backend: string, { peers, entry }: Setup): Promise<Side> {
  return inOneProcess(await startHost(backend, { kind: "overlay", backend, peers, speaksTo: entry === "first" ? "first" : "all" }))
}
