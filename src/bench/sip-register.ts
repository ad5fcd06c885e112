/**
 * REGISTERs through the SIP side of one peer and its overlay, without a
 * network: what a peer itself costs, apart from the system's sockets.
 *
 *     node src/bench/sip-register.ts [rounds of 100,000] [users]
 */
import { startBarePeer } from "./bare-peer.ts"

const rounds = Number(process.argv[2] ?? 6)
const users = Number(process.argv[3] ?? 50_000)
const perRound = 100_000
/** Messages read in one turn of the event loop. */
const burst = 8

const transport = await startBarePeer()

const remote = { host: "127.0.0.1", port: 40_000 }
for (let round = 0; round < rounds; round++) {
  const messages = Array.from({ length: perRound }, (_, index) => registerOf(round, index))
  transport.sent = 0
  const before = process.cpuUsage()
  for (let at = 0; at < perRound; at += burst) {
    for (const message of messages.slice(at, at + burst)) transport.receive(message, transport.flowTo(remote))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { user, system } = process.cpuUsage(before)
  console.log(`${((user + system) / perRound).toFixed(2)} µs each, ${transport.sent} answers`)
}
console.log(Buffer.from(transport.last).toString("latin1"))
process.exit()

function registerOf(round: number, index: number): Buffer {
  const user = `u${index % users}`
  return Buffer.from(`REGISTER sip:example.org SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK-4711-${round}-${index}-0;rport\r
Max-Forwards: 70\r
From: <sip:${user}@example.org>;tag=4711-${index}\r
To: <sip:${user}@example.org>\r
Call-ID: ${index}-${round}-4711@127.0.0.1\r
CSeq: 1 REGISTER\r
Contact: <sip:${user}@127.0.0.1:40000>\r
Expires: 3600\r
User-Agent: SIPp\r
Content-Length: 0\r
\r
`)
}
