/**
 * Calls through the SIP side of one peer and its overlay, without a network:
 * INVITE, 180, 200, ACK, BYE, 200, all of them proxied. Most of the time is
 * the peer's; both phones, which only cut and paste text, are in it as well.
 *
 *     node src/bench/sip-call.ts [rounds of 5,000]
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { startBarePeer } from "./bare-peer.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void
const rounds = Number(process.argv[2] ?? 6)
/** No more than eight in the time that transactions linger: they are many then. */
const perRound = 5_000
/** Calls that begin in one turn of the event loop. */
const burst = 4
/** A call takes a dozen. */
const maxTurns = 1000
const caller = { host: "127.0.0.1", port: 40_000 }
const callee = { host: "127.0.0.1", port: 40_001 }
const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

const transport = await startBarePeer()

let done = 0
const waiting: (() => void)[] = []
transport.onSend = (message, { port }) => {
  const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString("latin1")
  // As over a network: nobody answers while the message is still being sent.
  waiting.push(() => (port === callee.port ? answer(text) : goOn(text)))
}

receive(requestOf("REGISTER", "sip:example.org", 0, "<sip:callee@example.org>", "Contact: <sip:callee@127.0.0.1:40001>\r\nExpires: 3600\r\n"), callee.port)
await turn()

const heapBefore = heapAfterCollection()
for (let round = 0; round < rounds; round++) {
  done = 0
  const before = process.cpuUsage()
  for (let at = 0; at < perRound; at += burst) {
    for (let call = at; call < at + burst; call++) invite(round * perRound + call)
    for (let turns = 0; done < at + burst; turns++) {
      if (turns === maxTurns) throw new Error(`a call did not come to its end: ${at + burst - done} of ${burst}`)
      await turn()
    }
  }
  const { user, system } = process.cpuUsage(before)
  console.log(`${((user + system) / perRound).toFixed(2)} µs each, ${done} calls`)
}
console.log(`${((heapAfterCollection() - heapBefore) / 1024 / rounds / perRound).toFixed(1)} kB each linger`)
process.exit()

function heapAfterCollection(): number {
  collect()
  return process.memoryUsage().heapUsed
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  for (const next of waiting.splice(0)) next()
}

function receive(text: string, port: number): void {
  transport.receive(Buffer.from(text, "latin1"), transport.flowTo({ host: "127.0.0.1", port }))
}

function requestOf(method: string, uri: string, call: number, to: string, more: string, body = ""): string {
  return `${method} ${uri} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:${caller.port};branch=z9hG4bK-4711-${call}-${method};rport\r
Max-Forwards: 70\r
From: <sip:caller@example.org>;tag=4711-${call}\r
To: ${to}\r
Call-ID: ${call}-4711@127.0.0.1\r
CSeq: ${method === "BYE" ? 2 : 1} ${method}\r
${more}Content-Length: ${body.length}\r
\r
${body}`
}

function invite(call: number): void {
  const more = `Contact: <sip:caller@127.0.0.1:${caller.port};transport=UDP>\r\nUser-Agent: bench\r\nContent-Type: application/sdp\r\n`
  receive(requestOf("INVITE", "sip:callee@example.org", call, "<sip:callee@example.org>", more, sdp), caller.port)
}

/** The callee. */
function answer(text: string): void {
  const method = text.slice(0, text.indexOf(" "))
  if (method !== "INVITE" && method !== "BYE") return
  const copied = linesOf(text, /^(?:Via|From|Call-ID|CSeq|Record-Route): .*\r\n/gm)
  const to = linesOf(text, /^To: .*\r\n/gm).trimEnd()
  if (method === "BYE") {
    receive(`SIP/2.0 200 OK\r\n${copied}${to}\r\nContent-Length: 0\r\n\r\n`, callee.port)
    return
  }
  const head = `${copied}${to};tag=bob\r\nContact: <sip:127.0.0.1:${callee.port};transport=UDP>\r\n`
  receive(`SIP/2.0 180 Ringing\r\n${head}Content-Length: 0\r\n\r\n`, callee.port)
  receive(`SIP/2.0 200 OK\r\n${head}Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`, callee.port)
}

/** The caller. */
function goOn(text: string): void {
  if (!text.startsWith("SIP/2.0 200")) return
  if (/^CSeq: 2 BYE/m.test(text)) {
    done++
    return
  }
  const call = Number(/^Call-ID: (\d+)/m.exec(text)?.[1])
  const routes = [...text.matchAll(/^Record-Route: (.*)\r\n/gm)].map(([, route]) => `Route: ${route}\r\n`).reverse().join("")
  const uri = /^Contact: <(.*)>/m.exec(text)?.[1] ?? ""
  const to = "<sip:callee@example.org>;tag=bob"
  receive(requestOf("ACK", uri, call, to, routes), caller.port)
  receive(requestOf("BYE", uri, call, to, routes), caller.port)
}

function linesOf(text: string, pattern: RegExp): string {
  return (text.match(pattern) ?? []).join("")
}
