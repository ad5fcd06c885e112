/** Talks to a peer's HTTP listener. */
import { P2PSipError } from "../errors.ts"
import type { ShownValue } from "../peer/admin-api.ts"
import type { PeerStatus } from "../peer/peer.ts"
import type { LookupEvent, NetworkStatus, NetworkTrace } from "../servlet/index.ts"

/** A look-up's event as JSON shows it. */
export type ShownLookupEvent =
  | Exclude<LookupEvent, { readonly name: "done" }>
  | (Omit<Extract<LookupEvent, { readonly name: "done" }>, "values"> & { readonly values: readonly ShownValue[] })

/** See the head of this file. All methods reject with an Error whose message can be shown. */
export class ApiClient {
  readonly #base: string
  readonly #token: string | undefined

  /** `url`: `http://127.0.0.1:8080`, or just `127.0.0.1:8080`. */
  constructor(url: string, token?: string) {
    this.#base = (url.includes("://") ? url : `http://${url}`).replace(/\/+$/, "")
    this.#token = token
    if (!URL.canParse(this.#base)) throw new P2PSipError("P2PSIP_BAD_ARGUMENT", `--http: expected a URL such as http://127.0.0.1:8080, found ${JSON.stringify(url)}`)
  }

  /** `options.valueHash` in hexadecimal. */
  async put(
    key: string,
    value: string,
    ttlSeconds?: number,
    options: { readonly encoding?: "base64"; readonly valueHash?: string } = {},
  ): Promise<readonly ShownValue[]> {
    const body = { key, value, ...(ttlSeconds === undefined ? {} : { ttlSeconds }), ...options }
    return (await this.#json<Values>("POST", "/api/put", body)).values
  }

  async get(key: string): Promise<readonly ShownValue[]> {
    return (await this.#json<Values>("GET", `/api/get?key=${encodeURIComponent(key)}`)).values
  }

  /** Without a hash, removes every value of the key. */
  async remove(key: string, valueHash?: string): Promise<readonly ShownValue[]> {
    return (await this.#json<Values>("POST", "/api/remove", { key, ...(valueHash === undefined ? {} : { valueHash }) })).values
  }

  /** What happens on the way, as it happens. */
  async *lookup(key: string): AsyncGenerator<ShownLookupEvent> {
    const response = await this.#fetch("GET", `/api/lookup?key=${encodeURIComponent(key)}`)
    const decoder = new TextDecoder()
    let text = ""
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      const lines = text.split("\n")
      text = lines.pop() ?? ""
      for (const line of lines) yield this.#read<ShownLookupEvent>(line)
    }
  }

  status(): Promise<PeerStatus> {
    return this.#json<PeerStatus>("GET", "/status")
  }

  /** The network that a peer's backend is, as seen from there. */
  mesh(): Promise<NetworkStatus> {
    return this.#json<NetworkStatus>("GET", "/api/mesh")
  }

  /** The way of a packet to a node of that network. */
  trace(to: string): Promise<NetworkTrace> {
    return this.#json<NetworkTrace>("GET", `/api/mesh/trace?to=${encodeURIComponent(to)}`)
  }

  /** The peer begins to leave the overlay and then ends. */
  async leave(): Promise<void> {
    await this.#json("POST", "/api/leave", {})
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    return this.#read<T>(await (await this.#fetch(method, path, body)).text())
  }

  #read<T>(text: string): T {
    try {
      return JSON.parse(text) as T
    } catch (cause) {
      throw new Error(`expected JSON from ${this.#base}, found something else; is that a peer?`, { cause })
    }
  }

  async #fetch(method: string, path: string, body?: object): Promise<Response> {
    const headers = {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
    }
    let response: Response
    try {
      response = await fetch(this.#base + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    } catch (cause) {
      throw new P2PSipError("P2PSIP_UNREACHABLE", `no peer answers at ${this.#base}; is one running with --http?`, { cause })
    }
    if (response.ok) return response
    throw new Error(await messageOf(response))
  }
}

interface Values {
  readonly values: readonly ShownValue[]
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { error } = JSON.parse(text) as { readonly error: { readonly code: string; readonly message: string } }
    return error.code === "HTTP" ? error.message : `${error.message} (${error.code})`
  } catch {
    return `the server answered ${response.status}; is that a peer?`
  }
}
