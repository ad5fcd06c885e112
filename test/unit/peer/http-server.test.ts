import { once } from "node:events"
import { request, type IncomingMessage } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, describe, expect, test } from "vitest"
import { HttpServer, type HttpRoutes } from "../../../src/peer/http-server.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"

const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
const token = "a token of sixteen or more"

const routes: HttpRoutes = {
  "GET /open": async () => ({ status: 200, json: { open: true } }),
  "GET /fails": async () => Promise.reject(new Error("secret detail")),
  "POST /api/echo": async ({ body }) => ({ status: 200, json: body }),
  "GET /api/lines": async () => ({ status: 200, lines: lines() }),
  "GET /api/endless": async () => ({ status: 200, lines: endless() }),
}

async function* lines(): AsyncGenerator<number> {
  yield 1
  yield 2
}

/** How many lines of endless ones somebody has wanted, and whether that is over. */
let wanted = 0
let hasEnded = false

async function* endless(): AsyncGenerator<string> {
  try {
    for (; wanted < 2000; wanted++) yield "x".repeat(100_000)
  } finally {
    hasEnded = true
  }
}

const servers: HttpServer[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())))

async function start(options: { address?: string; token?: string } = {}, components = { runtime }): Promise<string> {
  const server = new HttpServer(components, { address: "127.0.0.1:0", ...options }, routes)
  servers.push(server)
  await server.start()
  return server.url
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** fetch would set Host and Origin as it likes. */
function ask(url: string, method: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk)).on("end", () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on("error", reject).end(body)
  })
}

const json = { "content-type": "application/json" }

test("answers JSON and lines", async () => {
  const url = await start()
  expect(await ask(`${url}/open`, "GET")).toEqual({ status: 200, text: '{"open":true}\n' })
  expect(await ask(`${url}/api/lines`, "GET")).toEqual({ status: 200, text: "1\n2\n" })
  expect(await ask(`${url}/api/echo`, "POST", json, '{"a":1}')).toEqual({ status: 200, text: '{"a":1}\n' })
})

test("lines are made as fast as they are read, and no more once the reader has gone", async () => {
  const url = await start()
  const sent = request(`${url}/api/endless`)
  const [response] = (await once(sent.end(), "response")) as [IncomingMessage]
  // Nobody reads: what the system takes on the way is all that is made.
  let before = -1
  for (; before < wanted; await sleep(100)) before = wanted
  expect(wanted).toBeLessThan(500)
  response.resume()
  while (wanted < before + 100) await sleep(10)
  sent.destroy()
  while (!hasEnded) await sleep(10)
})

test("says 404, 405 and 500 without telling more than that", async () => {
  const url = await start()
  expect((await ask(`${url}/nothing`, "GET")).status).toBe(404)
  expect((await ask(`${url}/open`, "POST")).status).toBe(405)
  const failed = await ask(`${url}/fails`, "GET")
  expect(failed.status).toBe(500)
  expect(failed.text).not.toContain("secret detail")
})

test("a defect is told in the log, as the answer says, and a target that is no URL is none", async () => {
  const logged: unknown[] = []
  const log = { ...silentLogger, error: (fields: object) => void logged.push(fields) }
  const url = await start({}, { runtime: new NodeRuntime({}, { log, metrics: noMetrics }) })
  await ask(`${url}/fails`, "GET")
  expect(logged).toEqual([{ error: new Error("secret detail") }])
  expect(await statusOf(url, "//[")).toBe(400)
  expect(logged).toHaveLength(1)
})

/** Of the answer to a GET of that target as it is. */
function statusOf(url: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => resolve(response.resume().statusCode)).on("error", reject).end()
  })
}

describe("a web page cannot use it:", () => {
  test.each(["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::1", "a b"])("Host %j is refused", async (host) => {
    const url = await start()
    expect((await ask(`${url}/open`, "GET", { host })).status).toBe(421)
  })

  test.each(["127.0.0.1", "localhost:1", "[::1]:8080"])("Host %j passes", async (host) => {
    expect((await ask(`${await start()}/open`, "GET", { host })).status).toBe(200)
  })

  test("requests with an Origin, and bodies that a form can send, are refused", async () => {
    const url = await start()
    expect((await ask(`${url}/api/lines`, "GET", { origin: "http://evil.example" })).status).toBe(403)
    expect((await ask(`${url}/api/echo`, "POST", { "content-type": "text/plain" }, "{}")).status).toBe(415)
  })
})

describe("the token", () => {
  test("is asked for wherever one is set", async () => {
    const url = await start({ token })
    expect((await ask(`${url}/api/lines`, "GET")).status).toBe(401)
    expect((await ask(`${url}/api/lines`, "GET", { authorization: `Bearer ${token}x` })).status).toBe(401)
    expect((await ask(`${url}/api/lines`, "GET", { authorization: `Bearer ${token}` })).status).toBe(200)
    expect((await ask(`${url}/open`, "GET")).status).toBe(200)
  })

  test("must be set before others than this machine may use it", async () => {
    const url = (await start({ address: "0.0.0.0:0" })).replace("0.0.0.0", "127.0.0.1")
    expect((await ask(`${url}/api/lines`, "GET")).status).toBe(403)
    expect((await ask(`${url}/open`, "GET")).status).toBe(200)
  })
})

test("bodies are bounded, and must be JSON", async () => {
  const url = await start()
  expect((await ask(`${url}/api/echo`, "POST", json, `"${"x".repeat(200_000)}"`)).status).toBe(413)
  expect((await ask(`${url}/api/echo`, "POST", json, "{")).status).toBe(400)
})

test("a port in use and an address that is not ours are told in one line", async () => {
  const url = await start()
  await expect(start({ address: url.slice("http://".length) })).rejects.toMatchObject({ code: "P2PSIP_PORT_IN_USE" })
  await expect(start({ address: "192.0.2.1:0" })).rejects.toMatchObject({ code: "P2PSIP_BAD_CONFIG" })
})
