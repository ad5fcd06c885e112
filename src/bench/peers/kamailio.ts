/**
 * Debian's Kamailio: one server, or several that tell each other of every
 * registration (modules `dmq` and `dmq_usrloc`), which is how it does without a
 * database. Each server has all records, in memory.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { kamailioVersion, registrarConfiguration, startKamailio } from "../kamailio.ts"
import type { Kamailio } from "../kamailio.ts"
import { costOfAll } from "../process-cost.ts"
import { deathOf, domain, userAddress } from "../side.ts"
import type { Side, SideKind } from "../side.ts"
import { Phones } from "../phones.ts"

const formationTimeoutMs = 15_000
const askAgainMs = 200

/** See the head of this file. */
export const kamailio: SideKind = {
  name: "kamailio",
  about: "Kamailio: one UDP worker a server, memory only; several servers as a dmq_usrloc cluster, every record at each",
  does: ({ by }, { kind, storage }) => by === "sip" && kind === "processes" && storage === "memory",
  missing: () => (kamailioVersion() === undefined ? "there is no kamailio: install the package of that name" : undefined),
  start: ({ peers, entry }) => startServers(peers, entry),
}

async function startServers(count: number, entry: "spread" | "first"): Promise<Side> {
  const servers: Kamailio[] = []
  const { died, die } = deathOf()
  let isEnding = false
  const end = async (): Promise<void> => {
    isEnding = true
    await Promise.all(servers.map((server) => server.end()))
  }
  try {
    for (let index = 0; index < count; index++) {
      const server = await startKamailio((port, modulePath) => {
        const alone = registrarConfiguration(domain, port, modulePath)
        return count === 1 ? alone : inCluster(alone, port, servers[0]?.port ?? port)
      })
      servers.push(server)
      void server.ended.then(() => {
        if (!isEnding) die(`kamailio, server ${index + 1} has ended`)
      })
    }
    if (count > 1) await untilReplicated(servers.map(({ port }) => port))
  } catch (error) {
    await end()
    throw error
  }
  const entries = entry === "first" ? servers.slice(0, 1) : servers
  return { sipPorts: entries.map(({ port }) => port), cost: async () => costOfAll(servers.flatMap((server) => server.pids())), died, end }
}

/** The same server, with all changes told to the others; `notified` is the port of the one that knows them all. */
function inCluster(configuration: string, port: number, notified: number): string {
  const settings = `loadmodule "dmq.so"
loadmodule "dmq_usrloc.so"
modparam("dmq", "server_address", "sip:127.0.0.1:${port}")
modparam("dmq", "notification_address", "sip:127.0.0.1:${notified}")
modparam("dmq", "num_workers", 1)
modparam("dmq", "ping_interval", 15)
modparam("dmq_usrloc", "enable", 1)

request_route {
  if (is_method("KDMQ")) {
    dmq_handle_message();
    exit;
  }`
  return configuration.replace("request_route {", settings)
}

/** Registers a phone at each server until every other one knows it. */
async function untilReplicated(ports: readonly number[]): Promise<void> {
  const phones = await Phones.open()
  const until = performance.now() + formationTimeoutMs
  try {
    for (const [index, port] of ports.entries()) {
      let isEverywhere = false
      for (let attempt = 1; !isEverywhere; attempt++) {
        if (performance.now() > until) throw new Error(`kamailio: the servers did not become a cluster within ${formationTimeoutMs / 1000} s`)
        await ask(phones, port, `probe${index}`, attempt, true)
        await sleep(askAgainMs)
        isEverywhere = (await Promise.all(ports.map((other) => ask(phones, other, `probe${index}`, attempt, false)))).every(Boolean)
      }
    }
  } finally {
    phones.close()
  }
}

/** REGISTER with a contact, or without one to see whether there is any. */
function ask(phones: Phones, port: number, user: string, cseq: number, binds: boolean): Promise<boolean> {
  const address = userAddress(user)
  const contact = binds ? [`Contact: <sip:${user}@127.0.0.1:${phones.port}>`] : []
  const headers = [`From: <${address}>;tag=${user}`, `To: <${address}>`, `Call-ID: ${user}-${binds ? "bind" : "ask"}-${port}`, `CSeq: ${cseq} REGISTER`, ...contact]
  return Promise.race([
    new Promise<boolean>((resolve) => {
      phones.request(port, "REGISTER", `sip:${domain}`, headers, (response) => resolve(response.status === 200 && response.headers.has("Contact")))
    }),
    sleep(2000, false),
  ])
}
