/**
 * A phone that talks: `answer USER` registers, answers each call and sends back whatever it hears; `call USER COUNT` calls, says so many packets of
 * 20 ms, and tells as JSON what it has heard. Both turn to the router at 127.0.0.1:5060 and know no other address: run inside a host.
 */
import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { createResponse, parseMessage, SipRequest, SipResponse, type SipMessage } from "../../src/sip/message/index.ts"
import { domain } from "../interop/checks.ts"

/** What a caller prints. */
export interface Heard {
  readonly sent: number
  /** Of those the ones that came back, on the port of RTP. */
  readonly rtp: number
  /** Whether the report on the port of RTCP came back. */
  readonly rtcp: boolean
  /** Where it was told to send. */
  readonly told: string
  /** In ascending order. */
  readonly roundTripsMs: readonly number[]
}

const host = "127.0.0.1"
const router = 5060
/** Others than the caller's: where nothing is relayed, that one would hear itself. */
const mediaPorts = { caller: 50_000, callee: 52_000 }
const packetMs = 20
/** An RTP header and 20 ms of G.711. */
const packetBytes = 12 + 160
const answerMs = 10_000

/** SIP, RTP and RTCP of one phone. */
class Talker {
  readonly #sip = createSocket("udp4")
  readonly rtp = createSocket("udp4")
  readonly rtcp = createSocket("udp4")
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  /** With media at this port and the next. */
  async open(port: number, onMessage: (message: SipMessage) => void): Promise<void> {
    await bind(this.#sip, 0)
    await bind(this.rtp, port)
    await bind(this.rtcp, port + 1)
    this.#sip.on("message", (bytes) => onMessage(parseMessage(bytes)))
  }

  get contact(): string {
    return `sip:${this.#name}@${host}:${this.#sip.address().port}`
  }

  get session(): Buffer {
    const { port } = this.rtp.address()
    return Buffer.from(`v=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`)
  }

  request(method: string, uri: string, changes: Readonly<Record<string, string | readonly string[]>> = {}): SipRequest {
    const number = method === "BYE" ? 2 : 1
    const request = SipRequest.create(method, uri, [
      ["Via", `SIP/2.0/UDP ${host}:${this.#sip.address().port};branch=z9hG4bK${method}${process.pid};rport`],
      ["Max-Forwards", "70"], ["From", `<sip:${this.#name}@${domain}>;tag=${process.pid}`], ["To", `<${uri}>`], ["Call-ID", `talk-${method === "REGISTER" ? "r" : ""}${process.pid}`],
      ["CSeq", `${number} ${method}`], ["Contact", `<${this.contact}>`],
    ])
    for (const [name, values] of Object.entries(changes)) {
      request.headers.remove(name)
      for (const value of typeof values === "string" ? [values] : values) request.headers.append(name, value)
    }
    return request
  }

  send(message: SipMessage, session?: Uint8Array): void {
    if (session !== undefined) {
      message.headers.set("Content-Type", "application/sdp")
      message.body = session
    }
    this.#sip.send(message.toBytes(), router, host)
  }

  close(): void {
    for (const socket of [this.#sip, this.rtp, this.rtcp]) socket.close()
  }
}

async function bind(socket: Socket, port: number): Promise<void> {
  const bound = once(socket, "listening")
  socket.bind({ address: host, port, exclusive: true })
  await bound
}

async function answer(user: string): Promise<void> {
  const talker = new Talker(user)
  await talker.open(mediaPorts.callee, (message) => {
    if (message instanceof SipResponse) return void process.stdout.write(`${message.status}\n`)
    if (!(message instanceof SipRequest) || message.method === "ACK") return
    const response = createResponse(message, 200, undefined, { toTag: `${process.pid}`, headers: [["Contact", `<${talker.contact}>`]], withRecordRoute: true })
    talker.send(response, message.method === "INVITE" ? talker.session : undefined)
  })
  for (const socket of [talker.rtp, talker.rtcp]) socket.on("message", (bytes, { address, port }) => void socket.send(bytes, port, address))
  talker.send(talker.request("REGISTER", `sip:${domain}`, { To: `<sip:${user}@${domain}>` }))
}

async function call(user: string, count: number): Promise<Heard> {
  const talker = new Talker("caller")
  const answers = new Map<string, (response: SipResponse) => void>()
  await talker.open(mediaPorts.caller, (message) => {
    if (message instanceof SipResponse && message.status >= 200) answers.get(message.cseq.method)?.(message)
  })
  const ask = async (request: SipRequest, session?: Uint8Array): Promise<SipResponse> => {
    const answered = new Promise<SipResponse>((resolve) => answers.set(request.method, resolve))
    talker.send(request, session)
    const response = await Promise.race([answered, sleep(answerMs)])
    if (response?.status !== 200) throw new Error(`${request.method}: ${response?.status ?? "no answer"}`)
    return response
  }
  const ok = await ask(talker.request("INVITE", `sip:${user}@${domain}`), talker.session)
  const contact = /<([^>]+)>/.exec(ok.headers.get("Contact") ?? "")?.[1] ?? ""
  const dialog = { Route: ok.headers.getAll("Record-Route").toReversed(), To: ok.headers.get("To") ?? "" }
  talker.send(talker.request("ACK", contact, dialog))
  const heard = await talk(talker, Buffer.from(ok.body).toString("latin1"), count)
  await ask(talker.request("BYE", contact, dialog))
  talker.close()
  return heard
}

async function talk(talker: Talker, session: string, count: number): Promise<Heard> {
  const [address = host, port] = [/^c=IN IP4 (\S+)/m.exec(session)?.[1], Number(/^m=audio (\d+)/m.exec(session)?.[1])]
  const sentAt: number[] = []
  const roundTripsMs = new Map<number, number>()
  let rtcp = false
  talker.rtp.on("message", (packet) => {
    const number = packet.readUInt32BE(4)
    roundTripsMs.set(number, performance.now() - (sentAt[number] ?? NaN))
  })
  talker.rtcp.on("message", () => (rtcp = true))
  talker.rtcp.send(Buffer.from("80c90001", "hex"), port + 1, address)
  for (let number = 0; number < count; number++) {
    const packet = Buffer.alloc(packetBytes)
    packet[0] = 0x80
    packet.writeUInt16BE(number, 2)
    packet.writeUInt32BE(number, 4)
    sentAt[number] = performance.now()
    talker.rtp.send(packet, port, address)
    await sleep(packetMs)
  }
  await sleep(500)
  const sorted = [...roundTripsMs.values()].sort((a, b) => a - b)
  return { sent: count, rtp: roundTripsMs.size, rtcp, told: `${address}:${port}`, roundTripsMs: sorted }
}

if (import.meta.main) {
  const [, , role, user = "", count = "0"] = process.argv
  if (role === "answer") await answer(user)
  else process.stdout.write(`${JSON.stringify(await call(user, Number(count)))}\n`)
}
