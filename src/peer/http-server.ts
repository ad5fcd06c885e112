/**
 * A small HTTP server for monitors and the command line.
 *
 * It listens on loopback unless told otherwise, and is careful even there: a
 * web page that a user of this machine looks at must not be able to use it.
 */
import { hash, timingSafeEqual } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { isIP, type AddressInfo } from "node:net"
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { bareHost, formatHostPort, parseHostPort } from "../sip/transport/host-port.ts"
import { isLoopback } from "./sip-address.ts"

/** What a route answers: JSON, or text of a type of its own, or lines as they come. */
export type HttpAnswer =
  | { readonly status: number; readonly json: unknown }
  | { readonly status: number; readonly text: string; readonly contentType: string }
  | { readonly status: number; readonly lines: AsyncIterable<unknown> }

/** One request, checked and read. */
export interface HttpRequest {
  readonly query: URLSearchParams
  /** Of a POST: the JSON that came. */
  readonly body: unknown
  /** The client has gone. */
  readonly signal: AbortSignal
}

/** `GET /status` and the like. */
export type HttpRoutes = Readonly<Record<string, (request: HttpRequest) => Promise<HttpAnswer>>>

export interface HttpServerOptions {
  /** HOST:PORT. */
  readonly address: string
  /** What {@link protectedPrefix} asks for; without it, only a listener on loopback lets anybody in there. */
  readonly token?: string | undefined
}

/** Paths that show or change what users have stored. */
export const protectedPrefix = "/api/"

const maxBodyBytes = 128 * 1024
/** How long answers under way may take when the server stops. */
const stopTimeoutMs = 500

/** A request that is not answered as it wishes. */
export class HttpRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** See the head of this file. */
export class HttpServer {
  readonly #runtime: Runtime
  readonly #options: HttpServerOptions
  readonly #routes: HttpRoutes
  readonly #server: Server
  #host = ""

  constructor(components: { readonly runtime: Runtime }, options: HttpServerOptions, routes: HttpRoutes) {
    this.#runtime = components.runtime
    this.#options = options
    this.#routes = routes
    this.#server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8192 }, (request, response) => {
      void this.#serve(request, response)
    })
    this.#server.maxConnections = 256
  }

  /** `http://127.0.0.1:8080`, as bound. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${formatHostPort({ host: address, port })}`
  }

  /** Rejects with `P2PSIP_PORT_IN_USE` or `P2PSIP_BAD_CONFIG`. */
  async start(): Promise<void> {
    const { address } = this.#options
    const { host, port } = address.endsWith(":0") ? { host: bareHost(address.slice(0, -2)), port: 0 } : parseHostPort(address) ?? { host: "", port: 0 }
    this.#host = host.toLowerCase()
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => reject(listenFault(error, address)))
      this.#server.listen({ host, port }, resolve)
    })
    this.#server.unref()
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const timer = this.#runtime.setTimer(stopTimeoutMs, () => this.#server.closeAllConnections())
    await closed
    timer.cancel()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const patience = new AbortController()
    response.once("close", () => patience.abort())
    try {
      const answer = await this.#answer(request, patience.signal)
      if ("lines" in answer) await sendLines(response, answer, patience.signal)
      else if ("text" in answer) send(response, answer.status, answer.text, answer.contentType)
      else sendJson(response, answer.status, answer.json)
    } catch (error) {
      const isTold = error instanceof HttpRefusal || error instanceof P2PSipError
      // Who hangs up in the middle of a body is no mistake of this peer.
      if (!isTold && !request.socket.destroyed) this.#runtime.log.error({ error }, "an HTTP request met a defect of this program")
      if (response.headersSent) response.destroy()
      else sendError(response, error)
    }
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<HttpAnswer> {
    this.#requireOwnHost(request)
    const target = URL.parse(request.url ?? "/", "http://peer.invalid")
    if (target === null) throw new HttpRefusal(400, "expected the path of a URL, found something else")
    const { pathname, searchParams: query } = target
    const route = this.#routes[`${request.method} ${pathname}`]
    if (route === undefined) {
      const exists = Object.keys(this.#routes).some((name) => name.endsWith(` ${pathname}`))
      throw exists ? new HttpRefusal(405, "another method is expected here") : new HttpRefusal(404, "there is nothing here")
    }
    if (pathname.startsWith(protectedPrefix)) this.#requirePermission(request)
    return route({ query, body: request.method === "POST" ? await readJson(request) : undefined, signal })
  }

  /**
   * A web page may point its own host name at this address and so call us from
   * a browser (DNS rebinding): only names that cannot be pointed anywhere pass.
   */
  #requireOwnHost(request: IncomingMessage): void {
    const name = hostNameOf(request.headers.host)
    if (name !== undefined && (isIP(name) !== 0 || name === "localhost" || name === this.#host)) return
    throw new HttpRefusal(421, "the Host header must name this peer by its IP address, as localhost, or as configured")
  }

  #requirePermission(request: IncomingMessage): void {
    // Browsers send it with whatever a page makes them send; programs do not.
    if (request.headers.origin !== undefined) throw new HttpRefusal(403, "requests from web pages are not served")
    const { token } = this.#options
    const { address } = this.#server.address() as AddressInfo
    if (token === undefined && !isLoopback(address)) {
      throw new HttpRefusal(403, "this peer's HTTP listener is not on loopback and has no httpToken; set one to use this")
    }
    if (token !== undefined && !isSameText(request.headers.authorization ?? "", `Bearer ${token}`)) {
      throw new HttpRefusal(401, "expected Authorization: Bearer and the peer's httpToken")
    }
  }
}

/** Takes as long for a wrong text as for the right one. */
function isSameText(found: string, expected: string): boolean {
  return timingSafeEqual(hash("sha256", found, "buffer"), hash("sha256", expected, "buffer"))
}

/** A JSON body of bounded size. The content type keeps web forms out: a page cannot set it without asking first. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) throw new HttpRefusal(415, "expected content type application/json")
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBodyBytes) throw new HttpRefusal(413, `expected at most ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    return length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString("utf8"))
  } catch {
    throw new HttpRefusal(400, "expected JSON, found something else")
  }
}

async function sendLines(response: ServerResponse, answer: { readonly status: number; readonly lines: AsyncIterable<unknown> }, signal: AbortSignal): Promise<void> {
  response.writeHead(answer.status, { "content-type": "application/x-ndjson", "cache-control": "no-store" })
  for await (const line of answer.lines) {
    if (signal.aborted) return
    // Whoever reads slowly gets the lines slowly: they are not made before they are wanted.
    if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, "drain", { signal })
  }
  response.end()
}

function send(response: ServerResponse, status: number, text: string, contentType: string): void {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store", "x-content-type-options": "nosniff" })
  response.end(text)
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, `${JSON.stringify(value)}\n`, "application/json")
}

function sendError(response: ServerResponse, error: unknown): void {
  if (error instanceof HttpRefusal) {
    // What is left of a body that was too long is not read.
    if (error.status === 413) response.setHeader("connection", "close")
    return sendJson(response, error.status, { error: { code: "HTTP", message: error.message } })
  }
  if (error instanceof P2PSipError) return sendJson(response, statusOf(error), { error: { code: error.code, message: error.message } })
  sendJson(response, 500, { error: { code: "INTERNAL", message: "this peer has made a mistake; see its log" } })
}

function statusOf(error: P2PSipError): number {
  switch (error.code) {
    case "P2PSIP_BAD_ARGUMENT":
      return 400
    case "P2PSIP_TIMEOUT":
      return 504
    case "P2PSIP_PRECONDITION":
    case "P2PSIP_OUT_OF_ORDER":
    case "P2PSIP_TOO_MANY_VALUES":
      return 409
    default:
      return 503
  }
}

function hostNameOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const match = /^(\[[0-9a-f:.%]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(header)
  return match?.[1] === undefined ? undefined : bareHost(match[1]).toLowerCase()
}

function listenFault(error: NodeJS.ErrnoException, address: string): P2PSipError {
  if (error.code === "EADDRINUSE") {
    return new P2PSipError("P2PSIP_PORT_IN_USE", `http ${address}: expected a free port, found it taken; stop the other program or choose another`, { cause: error })
  }
  return new P2PSipError("P2PSIP_BAD_CONFIG", `http: expected an address of this machine, found ${address} (${error.code ?? error.message})`, { cause: error })
}
