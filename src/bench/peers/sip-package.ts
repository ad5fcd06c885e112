/**
 * The npm package `sip` with a Map: the registrar that somebody would write in
 * an afternoon. It keeps SIP's transactions; it checks, shares and saves
 * nothing.
 */
import { createRequire } from "node:module"
import { inOneProcess } from "../host-side.ts"
import { freePort } from "../kamailio.ts"
import { startHost } from "../hosted.ts"
import type { SideKind } from "../side.ts"

/** See the head of this file. */
export const sipPackage: SideKind = {
  name: "sip",
  about: "npm sip and a Map, one process: REGISTER only, nothing checked, shared or kept on disk",
  does: ({ name }, { kind, peers, storage }) => kind === "processes" && peers === 1 && storage === "memory" && ["idle", "register", "refresh", "remove", "refresh-max"].includes(name),
  missing: () => {
    try {
      createRequire(import.meta.url).resolve("sip")
      return undefined
    } catch {
      return "the package sip is not installed"
    }
  },
  start: async () => {
    const port = await freePort()
    const host = await startHost("sip", { kind: "sip-package", port })
    return { ...inOneProcess(host), sipPorts: [port] }
  },
}

interface Message {
  readonly method: string
  readonly headers: {
    readonly to: { readonly uri: string; params: Record<string, string> }
    readonly contact?: readonly { readonly uri: string; readonly params: Readonly<Record<string, string>> }[]
    readonly expires?: string
  }
}

interface SipPackage {
  start(options: object, onRequest: (request: Message) => void): void
  send(message: object): void
  makeResponse(request: Message, status: number, reason: string, extension?: object): object
}

/** The registrar itself, in the process that calls this. */
export function startSipPackage(port: number): void {
  process.noDeprecation = true
  const sip = createRequire(import.meta.url)("sip") as SipPackage
  const bindings = new Map<string, Map<string, { readonly uri: string; readonly until: number }>>()
  sip.start({ address: "127.0.0.1", port, tcp: false }, (request) => {
    if (request.method !== "REGISTER") return sip.send(sip.makeResponse(request, 405, "Method Not Allowed"))
    const { to, contact = [], expires = "3600" } = request.headers
    const contacts = bindings.get(to.uri) ?? new Map<string, { readonly uri: string; readonly until: number }>()
    bindings.set(to.uri, contacts)
    for (const { uri, params } of contact) {
      const seconds = Number(params["expires"] ?? expires)
      if (seconds === 0) contacts.delete(uri)
      else contacts.set(uri, { uri, until: Date.now() + seconds * 1000 })
    }
    const now = Date.now()
    const live = [...contacts.values()].filter(({ until }) => until > now)
    const shown = live.map(({ uri, until }) => ({ uri, params: { expires: `${Math.ceil((until - now) / 1000)}` } }))
    sip.send(sip.makeResponse(request, 200, "OK", shown.length === 0 ? {} : { headers: { contact: shown } }))
  })
}
