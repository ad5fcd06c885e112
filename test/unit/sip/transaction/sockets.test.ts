import { expect, test } from "vitest"
import { createResponse, type SipRequest, type SipResponse } from "../../../../src/sip/message/index.ts"
import { TransactionLayer } from "../../../../src/sip/transaction/index.ts"
import { TcpTransport, UdpTransport, type Flow } from "../../../../src/sip/transport/index.ts"
import { makeRequest } from "../../../support/sip-pair.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"

const transports = {
  "UDP over IPv4": (runtime: SocketRuntime) => new UdpTransport({ runtime }, { port: 0 }),
  "UDP over IPv6": (runtime: SocketRuntime) => new UdpTransport({ runtime }, { host: "::1", port: 0 }),
  "TCP over IPv4": (runtime: SocketRuntime) => new TcpTransport({ runtime }, { port: 0 }),
  "TCP over IPv6": (runtime: SocketRuntime) => new TcpTransport({ runtime }, { host: "::1", port: 0 }),
}

test.each(Object.entries(transports))("a call over real sockets: %s", async (_name, make) => {
  const runtime = new SocketRuntime()
  const [a, b] = [make(runtime), make(runtime)]
  const client = new TransactionLayer({ runtime, transports: [a] })
  const server = new TransactionLayer({ runtime, transports: [b] })
  await a.start()
  await b.start()
  const flow = a.flowTo(b.advertised) as Flow
  server.onRequest((transaction, request) => {
    if (request.method === "INVITE") transaction.respond(createResponse(request, 180, undefined, { toTag: "b1" }))
    transaction.respond(createResponse(request, 200, undefined, { toTag: "b1" }))
  })
  const acknowledged = new Promise<string>((resolve) => server.onStray((message) => resolve(message.cseq.method)))

  const statuses: number[] = []
  const finalResponse = (request: SipRequest): Promise<SipResponse> =>
    new Promise((resolve, reject) => {
      client.request(request, flow, {
        onResponse: (response) => {
          statuses.push(response.status)
          if (response.isFinal) resolve(response)
        },
        onTimeout: () => reject(new Error("timeout")),
        onTransportError: (error) => reject(error ?? new Error("closed")),
      })
    })
  const answer = await finalResponse(makeRequest("INVITE"))
  expect(answer.to.tag).toBe("b1")
  client.sendStateless(makeRequest("ACK"), flow)
  expect(await acknowledged).toBe("ACK")
  await finalResponse(makeRequest("BYE"))
  expect(statuses).toEqual([180, 200, 200])

  client.stop()
  server.stop()
  await Promise.all([a.stop(), b.stop()])
  expect(runtime.timersPending).toBe(0)
})
