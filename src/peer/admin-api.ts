/** What a peer says and does over HTTP: health, status, metrics, and the servlet's operations. */
import { z } from "zod"
import type { Runtime } from "../runtime/runtime.ts"
import type { LookupEvent, NetworkLink, P2PSipServlet, Value } from "../servlet/index.ts"
import { HttpRefusal, type HttpRoutes } from "./http-server.ts"
import type { Readiness } from "./readiness.ts"
import { readBinding, type ShownBinding } from "./shown-binding.ts"

export interface AdminApiComponents {
  readonly runtime: Runtime
  readonly servlet: P2PSipServlet
  /** Where the backend is a network. */
  readonly network?: NetworkLink | undefined
  readonly check: () => Promise<Readiness>
  readonly status: () => object
  /** All metrics as text, and the type of that text. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>
  /** Begins to leave; the process ends afterwards. */
  readonly leave: () => void
}

/** A value as JSON shows it: as text where its bytes are UTF-8 text, otherwise in base64. */
export interface ShownValue {
  /** In hexadecimal. */
  readonly valueHash: string
  readonly value: string
  readonly encoding: "utf8" | "base64"
  readonly ttlSeconds: number
  /** Where the value is a registration: what it says. */
  readonly binding?: ShownBinding
}

const data = z.string("a text")
const encoding = z.enum(["utf8", "base64"], "utf8 or base64").default("utf8")
const hexHash = z.string("hexadecimal digits").regex(/^([0-9a-fA-F]{2}){1,64}$/, "1 to 64 bytes in hexadecimal")
const putBody = z.strictObject({
  key: data,
  value: data,
  encoding,
  valueHash: hexHash.optional(),
  ttlSeconds: z.int("a whole number").optional(),
})
/** Without a hash, every value of the key is meant. */
const removeBody = z.strictObject({ key: data, valueHash: hexHash.optional() })

/** The routes of one peer. */
export function adminRoutes(components: AdminApiComponents): HttpRoutes {
  const { servlet, network, check, status, metrics, leave } = components
  return {
    "GET /healthz": async () => ({ status: 200, json: { alive: true } }),
    "GET /readyz": async () => {
      const readiness = await check()
      return { status: readiness.ready ? 200 : 503, json: readiness }
    },
    "GET /status": async () => ({ status: 200, json: status() }),
    "GET /metrics": async () => ({ status: 200, ...(await metrics()) }),
    "GET /api/get": async ({ query, signal }) => {
      const values = await servlet.get(keyOf(query), { signal })
      return { status: 200, json: { values: values.map(showValue) } }
    },
    "GET /api/lookup": async ({ query, signal }) => ({ status: 200, lines: showEvents(servlet.lookup(keyOf(query), { signal })) }),
    "GET /api/mesh": async () => ({ status: 200, json: requireNetwork(network).describe() }),
    "GET /api/mesh/trace": async ({ query }) => ({ status: 200, json: await requireNetwork(network).trace(query.get("to") ?? "") }),
    "POST /api/put": async ({ body }) => {
      const { key, value, encoding, valueHash, ttlSeconds } = read(putBody, body)
      const values = await servlet.put(key, Buffer.from(value, encoding), {
        ...(valueHash === undefined ? {} : { valueHash: Buffer.from(valueHash, "hex") }),
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      })
      return { status: 200, json: { values: values.map(showValue) } }
    },
    "POST /api/remove": async ({ body }) => {
      const { key, valueHash } = read(removeBody, body)
      const values = valueHash === undefined
        ? await servlet.update(key, [{ kind: "removeAll" }])
        : await servlet.remove(key, Buffer.from(valueHash, "hex"))
      return { status: 200, json: { values: values.map(showValue) } }
    },
    "POST /api/leave": async () => {
      components.runtime.defer(leave)
      return { status: 202, json: { leaving: true } }
    },
  }
}

function requireNetwork(network: NetworkLink | undefined): NetworkLink {
  if (network === undefined) throw new HttpRefusal(404, "expected a peer of a mesh (backend ssr), found one of another backend")
  return network
}

/** As JSON shows it. */
export function showValue({ valueHash, value, ttlSeconds }: Value): ShownValue {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const encoding: ShownValue["encoding"] = isText(bytes) ? "utf8" : "base64"
  const binding = encoding === "base64" ? readBinding(bytes) : undefined
  const shown = { valueHash: Buffer.from(valueHash).toString("hex"), value: bytes.toString(encoding), encoding, ttlSeconds }
  return binding === undefined ? shown : { ...shown, binding }
}

async function* showEvents(events: AsyncIterable<LookupEvent>): AsyncGenerator<object> {
  for await (const event of events) {
    yield event.name === "done" ? { ...event, values: event.values.map(showValue) } : event
  }
}

function keyOf(query: URLSearchParams): string {
  const key = query.get("key")
  if (key === null) throw new HttpRefusal(400, "key: expected a text, found nothing")
  return key
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new HttpRefusal(400, `${issue?.path.join(".") || "body"}: expected ${issue?.message ?? "something else"}`)
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

function isText(bytes: Uint8Array): boolean {
  try {
    // Control characters but tab and line ends are no text to show to anybody.
    return !/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.test(utf8.decode(bytes))
  } catch {
    return false
  }
}
