/** Attacks on the ports of a running peer, each as a stranger on the network would make it. */
import { createSocket } from "node:dgram"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { noise } from "@chainsafe/libp2p-noise"
import { yamux } from "@libp2p/yamux"
import { tcp } from "@libp2p/tcp"
import { multiaddr } from "@multiformats/multiaddr"
import fc from "fast-check"
import { createLibp2p } from "libp2p"
import { createLibp2pLink } from "../../src/link/libp2p.ts"
import { channels } from "../../src/link/link.ts"
import { memberOf } from "../../src/overlay/member-codec.ts"
import { encodeReply, frameKinds } from "../../src/overlay/rpc-frame.ts"
import { silentLogger } from "../../src/runtime/log.ts"
import { noMetrics } from "../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../src/runtime/node.ts"
import type { Attack } from "./overlay-frames.ts"
import { hostileFrames } from "./overlay-frames.ts"
import { hostileDatagrams } from "./sip-datagrams.ts"

/** How much of an attack, and which. */
export interface Effort {
  readonly seed: number
  readonly count: number
}

const burst = 50
const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })

/** Datagrams at a UDP port, in bursts; resolves with how many were answered. */
export async function attackUdp(port: number, domain: string, { seed, count }: Effort): Promise<number> {
  const socket = createSocket("udp4")
  let answers = 0
  socket.on("message", () => void answers++)
  let sent = 0
  for (const datagram of hostileDatagrams({ seed, count, domain })) {
    await new Promise((resolve) => socket.send(datagram, port, "127.0.0.1", resolve))
    if (++sent % burst === 0) await sleep(5)
  }
  await sleep(100)
  socket.close()
  return answers
}

/** Each message over a TCP connection of its own: in one piece, in two, cut off, or left hanging; resolves with how many were answered or ended. */
export async function attackTcp(port: number, messages: Iterable<Uint8Array>): Promise<number> {
  let [answers, number] = [0, 0]
  const under: Promise<boolean>[] = []
  for (const message of messages) {
    under.push(oneConnection(port, message, number++))
    if (under.length < burst) continue
    answers += (await Promise.all(under.splice(0))).filter(Boolean).length
  }
  return answers + (await Promise.all(under)).filter(Boolean).length
}

/** Resolves with whether anything came back, be it the end. */
function oneConnection(port: number, message: Uint8Array, number: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port })
    let isAnswered = false
    const patience = setTimeout(() => socket.destroy(), 250)
    socket.on("data", () => (isAnswered = true))
    socket.on("end", () => (isAnswered = true))
    socket.on("error", () => undefined)
    socket.on("close", () => {
      clearTimeout(patience)
      resolve(isAnswered)
    })
    const half = message.length >> 1
    if (number % 4 === 0) socket.end(message)
    else if (number % 4 === 1) {
      socket.write(message.subarray(0, half))
      setTimeout(() => socket.end(message.subarray(half)), 5)
    } else if (number % 4 === 2) socket.write(message, () => socket.resetAndDestroy())
    else socket.write(message)
  })
}

const requestLines = [
  "GET / HTTP/1.1", "GET /status HTTP/1.1", "GET /../../etc/passwd HTTP/1.1", "GET //[ HTTP/1.1", "GET http://[:::]/ HTTP/1.1", "GET /%ff%00 HTTP/1.1",
  "PUT /status HTTP/1.1", "CONNECT a:1 HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /api/get HTTP/1.1", "GET /api/get?key=%ff HTTP/1.1",
  "GET /api/lookup?key= HTTP/1.1", "POST /api/put HTTP/1.1", "POST /api/remove HTTP/1.1", "POST /api/__proto__ HTTP/1.1", "GET /constructor HTTP/9.9",
  `GET /${"a".repeat(9000)} HTTP/1.1`, "PRI * HTTP/2.0", "",
] as const
const headerLines = [
  "Host: 127.0.0.1", "Host: evil.example", "Host: [", "Host: 127.0.0.1:99999", "Content-Type: application/json", "Content-Type: text/plain", "Content-Length: 2",
  "Content-Length: 99999999999", "Content-Length: -1", "Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: websocket\r\nConnection: Upgrade",
  "Origin: http://evil.example", "Authorization: Bearer x", `X: ${"y".repeat(9000)}`, "\0: \xff", "Connection: keep-alive",
] as const
const httpBodies = [
  "", "{}", "[]", "null", "{", `${"[".repeat(60_000)}`, '{"key":"a","value":"b"}', '{"key":{"__proto__":1},"value":"b"}', '{"key":"a","value":"b","valueHash":"zz"}',
  '{"key":"a","value":"b","ttlSeconds":-1}', '{"key":"","value":"b"}', `{"key":"${"k".repeat(100_000)}","value":"b"}`, "5\r\n{\"key\r\n0\r\n\r\n", "x".repeat(300_000),
] as const

/** Requests for an HTTP port, mostly wrong. */
export function hostileHttp({ seed, count }: Effort): Uint8Array[] {
  const request = fc.tuple(fc.constantFrom(...requestLines), fc.subarray([...headerLines], { maxLength: 5 }), fc.constantFrom(...httpBodies))
    .map(([line, headers, body]) => Buffer.from([line, ...headers, "", body].join("\r\n"), "latin1"))
  const noise = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes))
  return fc.sample(fc.oneof({ weight: 9, arbitrary: request }, noise), { seed, numRuns: count })
}

/** What may come instead of a libp2p handshake, or in its middle. */
export function hostileHandshakes({ seed, count }: Effort): Uint8Array[] {
  const start = fc.constantFrom("", "\x13/multistream/1.0.0\n", "\x13/multistream/1.0.0\n\x07/noise\n", "\x13/multistream/1.0.0\n\x07/noise\n\x00\x20", "\xff\xff\xff\xff\x7f")
  return fc.sample(fc.tuple(start, fc.uint8Array({ maxLength: 2000 })), { seed, numRuns: count })
    .map(([text, bytes]) => Buffer.concat([Buffer.from(text, "latin1"), bytes]))
}

/** A proper handshake with a key of one's own, then streams with noise, with frames cut off, with lengths that lie, and too many of them; resolves with how many streams were granted. */
export async function attackStreams(address: string, { seed, count }: Effort): Promise<number> {
  const node = await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxOutboundStreams: 1000 })],
    connectionMonitor: { enabled: false },
  })
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc.constantFrom(Buffer.from("ffffff7f01", "hex"), Buffer.from("ffffffffff01", "hex"), Buffer.of(0), Buffer.from("80808001", "hex"), Buffer.alloc(300_000, 1)),
    fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Buffer.concat([Buffer.of(bytes.length), bytes])),
  )
  let granted = 0
  for (const [index, bytes] of fc.sample(hostile, { seed, numRuns: count }).entries()) {
    try {
      const connection = await node.dial(multiaddr(address), { signal: AbortSignal.timeout(2000) })
      const protocol = index % 7 === 0 ? "/ipfs/id/1.0.0" : "/p2psip/1.0.0"
      const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(2000) })
      stream.addEventListener("message", () => undefined)
      granted++
      stream.send(bytes)
      if (index % 3 === 0) await stream.close({ signal: AbortSignal.timeout(200) })
      if (index % 50 === 49) connection.abort(new Error("enough"))
    } catch {
      // A stream or a connection that was refused or broken is what the attacked peer is for.
    }
  }
  await node.stop()
  return granted
}

/** A peer in good standing at the Link whose frames and answers are hostile; resolves with how many frames came from the victim. */
export async function attackAsPeer(address: string, domain: string, { seed, count, backend }: Attack): Promise<number> {
  const link = await createLibp2pLink({ runtime })
  await link.start()
  const victim = await link.resolve(address)
  const self = memberOf(link.self)
  const answers = hostileFrames(self, victim.peerId, { seed: seed + 1, count: 200, backend })
  let came = 0
  link.onFrame(channels.overlay, (from, frame) => {
    const answer = answers[came++ % answers.length]
    if (frame[0] !== frameKinds.request || answer === undefined || frame.length < 6) return
    link.send(from, channels.overlay, encodeReply(Buffer.from(frame).readUInt32BE(1), answer.frame.subarray(6)))
  })
  link.onFrame(channels.sip, () => void came++)
  const sip = [...hostileDatagrams({ seed, count: Math.ceil(count / 3), domain })].map((frame) => ({ channel: channels.sip, frame }))
  const frames = hostileFrames(self, victim.peerId, { seed, count, backend })
  for (const [sent, { channel, frame }] of [...frames, ...sip].entries()) {
    link.send(victim.peerId, channel, frame)
    if (sent % burst === 0) await sleep(5)
  }
  await sleep(200)
  await link.stop()
  return came
}
