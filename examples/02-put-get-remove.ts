/**
 * put, get and remove on bare servlets: three peers of a Chord overlay in one
 * process, over libp2p on loopback, without any SIP.
 *
 *     node examples/02-put-get-remove.ts
 */
import { createLibp2pLink, loadBackend, NodeRuntime } from "p2psip"
import type { P2PSipServlet } from "p2psip/servlet"

const runtime = new NodeRuntime({ logLevel: "error" })
const chord = await loadBackend("chord")

/** A peer: a Link that carries bytes, and a servlet of the chosen backend on it. */
async function startPeer(bootstrap: readonly string[]) {
  const link = await createLibp2pLink({ runtime }, { listen: ["/ip4/127.0.0.1/tcp/0"] })
  await link.start()
  const servlet = chord.create({ runtime, link }, chord.optionsSchema.parse({}))
  await servlet.join(bootstrap)
  console.log(`${servlet.status().self?.id.slice(0, 8)} joined at ${link.self.addresses[0]}`)
  return { link, servlet }
}

async function show(servlet: P2PSipServlet, key: string): Promise<void> {
  const values = await servlet.get(key)
  const list = values.map(({ value, ttlSeconds }) => `${Buffer.from(value).toString()} (${ttlSeconds} s left)`)
  console.log(`${key}: ${list.join(", ") || "nothing"}`)
}

const first = await startPeer([])
const second = await startPeer(first.link.self.addresses)
const third = await startPeer(first.link.self.addresses)

// A key has several values, told apart by their hashes: think of two phones of one person.
await first.servlet.put("sip:alice@example.org", "sip:alice@192.0.2.1", { valueHash: "desk", ttlSeconds: 3600 })
await second.servlet.put("sip:alice@example.org", "sip:alice@192.0.2.2", { valueHash: "mobile", ttlSeconds: 600 })
await show(third.servlet, "sip:alice@example.org")

await third.servlet.remove("sip:alice@example.org", "desk")
await show(first.servlet, "sip:alice@example.org")

// Of all who try at once, one stores its value; the others learn what it is.
const tries = [first, second, third].map(({ servlet }, index) => servlet.putOrGet("room 1", `host ${index + 1}`))
const winners = (await Promise.all(tries)).filter(({ stored }) => stored)
console.log(`room 1 has ${winners.length} host`)

// The way to the peer that is responsible for a key.
for await (const event of second.servlet.lookup("sip:alice@example.org")) {
  if (event.name === "done") console.log(`found at ${event.owner.id.slice(0, 8)}, hops: ${event.hops}`)
}

// Leaving hands the records over: whoever stays has them all.
await first.servlet.leave()
await second.servlet.leave()
await show(third.servlet, "sip:alice@example.org")
await third.servlet.leave()
await Promise.all([first, second, third].map(({ link }) => link.stop()))
