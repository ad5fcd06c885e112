/** SIP messages as other people's parsers read them: what they and ours should agree on. */
import { createRequire } from "node:module"
import { Parser as SipJs } from "sip.js/lib/core/messages/parser.js"
import { z } from "zod"
import { parseContacts, parseMessage, SipRequest, SipResponse, SipSyntaxError, SipUri, validateRequest, validateResponse } from "../../src/sip/message/index.ts"

/** What a message says. Absent parts are "". */
export interface Reading {
  /** The method, or the status. */
  readonly start: string
  readonly callId: string
  /** Number and method. */
  readonly cseq: string
  /** Scheme, user, host, port: `sip:bob@example.org:5060`. */
  readonly from: string
  readonly to: string
  readonly fromTag: string
  readonly toTag: string
  /** Host and port of the topmost Via. */
  readonly via: string
  readonly branch: string
  /** The URIs of all Contacts, with a blank between them. */
  readonly contacts: string
  readonly body: string
}

/** A reading, or undefined where the parser refuses the message. */
export type Reader = (bytes: Buffer) => Reading | undefined

/** This project's parser. */
export const readOurs: Reader = (bytes) => {
  try {
    const message = parseMessage(bytes)
    if (message instanceof SipRequest) validateRequest(message)
    else if (message instanceof SipResponse) validateResponse(message)
    const { from, to, via, cseq } = message
    const contacts = parseContacts(message.headers)
    return {
      start: message instanceof SipRequest ? message.method : message instanceof SipResponse ? String(message.status) : "",
      callId: message.callId,
      cseq: `${cseq.number} ${cseq.method}`,
      from: uriText(from.parsedUri),
      to: uriText(to.parsedUri),
      fromTag: from.tag ?? "",
      toTag: to.tag ?? "",
      via: via === undefined ? "" : hostPort(via.host, via.port),
      branch: via?.branch ?? "",
      contacts: contacts === "*" ? "*" : contacts.map(({ parsedUri }) => uriText(parsedUri)).join(" "),
      body: Buffer.from(message.body).toString("latin1"),
    }
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

const parsedUri = z.looseObject({ scheme: z.string(), user: z.string().nullish(), host: z.string(), port: z.number().nullish() })
const address = z.looseObject({ uri: parsedUri })
const contactList = z.array(z.looseObject({ parsed: address })).optional()

const browserMessage = z.looseObject({
  method: z.string().optional(),
  call_id: z.string().optional(),
  callId: z.string().optional(),
  cseq: z.number(),
  from: address,
  to: address,
  from_tag: z.string().nullish(),
  fromTag: z.string().nullish(),
  to_tag: z.string().nullish(),
  toTag: z.string().nullish(),
  via: z.looseObject({ host: z.string(), port: z.number().optional(), branch: z.string().optional() }),
  status_code: z.number().optional(),
  statusCode: z.number().optional(),
  body: z.string(),
  headers: z.looseObject({ Contact: contactList, CSeq: z.array(z.looseObject({ parsed: z.looseObject({ method: z.string() }) })) }),
})

/** JsSIP and SIP.js have one ancestor: their messages differ by the names of fields. */
function readBrowsers(message: unknown): Reading | undefined {
  const parsed = browserMessage.safeParse(message)
  if (!parsed.success) return undefined
  const { data } = parsed
  const status = data.status_code ?? data.statusCode
  return {
    start: status === undefined ? (data.method ?? "") : String(status),
    callId: data.call_id ?? data.callId ?? "",
    cseq: `${data.cseq} ${data.headers.CSeq[0]?.parsed.method}`,
    from: uriText(data.from.uri),
    to: uriText(data.to.uri),
    fromTag: data.from_tag ?? data.fromTag ?? "",
    toTag: data.to_tag ?? data.toTag ?? "",
    via: hostPort(data.via.host, data.via.port),
    branch: data.via.branch ?? "",
    contacts: (data.headers.Contact ?? []).map(({ parsed: { uri } }) => uriText(uri)).join(" "),
    body: data.body,
  }
}

const require = createRequire(import.meta.url)
const jsSip = z.object({ parseMessage: z.function({ input: [z.string(), z.unknown()], output: z.unknown() }) }).parse(require("jssip/lib/Parser.js"))
const nodeSip = z.looseObject({ parse: z.function({ input: [z.instanceof(Buffer)], output: z.unknown() }) }).parse(require("sip"))

export const readJsSip: Reader = (bytes) => readBrowsers(quietly(() => jsSip.parseMessage(bytes.toString("latin1"), undefined)))

const silent = { log() {}, error() {}, warn() {}, debug() {} }
export const readSipJs: Reader = (bytes) => readBrowsers(quietly(() => SipJs.parseMessage(bytes.toString("latin1"), silent as unknown as Parameters<typeof SipJs.parseMessage>[1])))

const params = z.record(z.string(), z.string().nullish())
const nodeAddress = z.looseObject({ uri: z.string(), params })
const nodeMessage = z.looseObject({
  method: z.string().optional(),
  status: z.number().optional(),
  content: z.string(),
  headers: z.looseObject({
    "call-id": z.string(),
    cseq: z.looseObject({ seq: z.number(), method: z.string() }),
    from: nodeAddress,
    to: nodeAddress,
    via: z.array(z.looseObject({ host: z.string(), port: z.number().nullish(), params })).min(1),
    contact: z.union([z.array(nodeAddress), z.looseObject({ s: z.string() })]).optional(),
  }),
})

/** The package `sip`; its URIs are texts, which our own parser takes apart. */
export const readSip: Reader = (bytes) => {
  const parsed = nodeMessage.safeParse(quietly(() => nodeSip.parse(bytes)))
  if (!parsed.success) return undefined
  const { method, status, content, headers } = parsed.data
  const { from, to, contact, cseq } = headers
  const [via] = headers.via
  return {
    start: method ?? String(status),
    callId: headers["call-id"],
    cseq: `${cseq.seq} ${cseq.method}`,
    from: textOf(from.uri),
    to: textOf(to.uri),
    fromTag: from.params["tag"] ?? "",
    toTag: to.params["tag"] ?? "",
    via: hostPort(via?.host ?? "", via?.port ?? undefined),
    branch: via?.params["branch"] ?? "",
    contacts: contact === undefined ? "" : Array.isArray(contact) ? contact.map(({ uri }) => textOf(uri)).join(" ") : contact.s,
    body: content,
  }
}

function textOf(uri: string): string {
  const parsed = SipUri.tryParse(uri)
  return parsed === undefined ? uri : uriText(parsed)
}

interface UriParts {
  readonly scheme: string
  readonly user?: string | null | undefined
  readonly host: string
  readonly port?: number | null | undefined
}

function uriText({ scheme, user, host, port }: UriParts): string {
  return `${scheme.toLowerCase()}:${user === undefined || user === null ? "" : `${user}@`}${hostPort(host, port)}`
}

function hostPort(host: string, port: number | null | undefined): string {
  return `${host.toLowerCase()}${port === undefined || port === null ? "" : `:${port}`}`
}

function quietly(parse: () => unknown): unknown {
  try {
    return parse()
  } catch {
    return undefined
  }
}
