/** `p2psip start`: runs a peer until it is told to leave. */
import { Command } from "commander"
import type { Peer } from "../peer/peer.ts"
import { addConfigFlags, configFrom } from "./config-flags.ts"

/** After this, a peer that cannot end properly just ends. */
const exitDeadlineMs = 9_500

/** The command, to be added to the program. */
export function startCommand(): Command {
  return addConfigFlags(new Command("start").description("run a peer; prints one JSON line when it is ready")).action(
    async (flags: Record<string, unknown>) => {
      const config = await configFrom(flags)
      const { createPeer } = await import("../peer/peer.ts")
      await runPeer(await createPeer(config))
    },
  )
}

async function runPeer(peer: Peer): Promise<void> {
  const isLeaving = leaveOnSignal(peer)
  // A promise that nobody waits for may fail without harm to anything else.
  process.on("unhandledRejection", (reason) => {
    complain(reason, "unhandled rejection")
  })
  // The peer's own timers and its HTTP server do not keep a process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    await peer.start()
  } catch (error) {
    clearInterval(alive)
    if (isLeaving()) return exit(0)
    throw error
  }
  const { peerId, listen, sip, http } = peer.addresses
  process.stdout.write(`${JSON.stringify({ event: "ready", peerId, listen, sip, ...(http === undefined ? {} : { http }) })}\n`)
  await peer.ended
  clearInterval(alive)
  exit(0)
}

/** SIGTERM and SIGINT leave the overlay; the second one does not wait. Tells whether that has begun. */
function leaveOnSignal(peer: Peer): () => boolean {
  let isLeaving = false
  const onSignal = (): void => {
    if (isLeaving) return exit(1)
    isLeaving = true
    setTimeout(() => exit(1), exitDeadlineMs).unref()
    void peer.leave()
  }
  process.on("SIGTERM", onSignal)
  process.on("SIGINT", onSignal)
  // A certificate that cannot be used is logged, and the old one stays.
  process.on("SIGHUP", () => void peer.reloadCertificates().catch((error: unknown) => complain(error, "the certificate stays as it was")))
  return () => isLeaving
}

function complain(error: unknown, what: string): void {
  process.stderr.write(`${JSON.stringify({ level: 50, time: new Date().toISOString(), error: String(error), msg: what })}\n`)
}

function exit(code: number): void {
  process.exit(code)
}
