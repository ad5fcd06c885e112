/** A process with peers that ends of its own accord. */
import { spawnSync } from "node:child_process"
import { expect, test } from "vitest"
import { startHost } from "../../../src/bench/hosted.ts"

test("who asks a process that has just ended is told how it ended, not that it cannot be asked", async () => {
  const host = await startHost("chord, peer 1", { kind: "overlay", backend: "chord", peers: 1, speaksTo: "all" })
  try {
    process.kill(host.pid, "SIGKILL")
    // It is gone before this process hears of it.
    spawnSync(process.execPath, ["--eval", ""])
    await expect(host.cost()).rejects.toThrow("chord, peer 1 has ended by SIGKILL")
  } finally {
    await host.end()
  }
})
