/** A registrar on a location service in a Map, and REGISTERs for it. */
import { expect } from "vitest"
import { SipRequest } from "../../src/sip/message/index.ts"
import type { SipResponse } from "../../src/sip/message/index.ts"
import { Registrar } from "../../src/sip/registrar/registrar.ts"
import type { RegistrarOptions } from "../../src/sip/registrar/registrar.ts"
import { ServedDomains } from "../../src/sip/registrar/served-domains.ts"
import type { Flow } from "../../src/sip/transport/transport.ts"
import { digestFor } from "./digest.ts"
import { ManualRuntime, settle } from "./manual-runtime.ts"
import { MapLocation } from "./map-location.ts"

export const flow = { key: "UDP 127.0.0.1:5060 192.0.2.4:5060", remote: { host: "192.0.2.4", port: 5060 } } as Flow
export const path = "<sip:token@holder.p2psip.invalid;transport=p2p;lr>"

export function setUp(options: RegistrarOptions = {}, users?: { username: string; password: string }[]) {
  const runtime = new ManualRuntime()
  const location = new MapLocation()
  const responses: SipResponse[] = []
  const registrar = new Registrar(
    {
      runtime,
      location,
      domains: new ServedDomains(["example.org", "example.net"], (host, port) => host === "127.0.0.1" && port === 5060),
      authenticator: users && digestFor(runtime, users, { realm: "example.org", domains: ["example.org", "example.net"] }),
      pathFor: (_flow, isEdge) => (isEdge ? path.replace(">", ";ob>") : path),
      send: (response) => void responses.push(response),
    },
    options,
  )
  const register = async (request: SipRequest): Promise<SipResponse> => {
    expect(registrar.handle(request, flow)).toBe(true)
    await settle()
    const response = responses.pop()
    if (!response) throw new Error("no response")
    return response
  }
  return { runtime, location, registrar, responses, register }
}

let cseq = 0

export type Changes = Readonly<Record<string, string | readonly string[] | undefined>>

/** A REGISTER of alice, with headers replaced, added or (undefined) left out. */
export function request(changes: Changes = {}, uri = "sip:example.org"): SipRequest {
  const headers: Changes = {
    Via: "SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK1;rport",
    "Max-Forwards": "70",
    From: "<sip:alice@example.org>;tag=a",
    To: "<sip:alice@example.org>",
    "Call-ID": "call-1",
    CSeq: `${++cseq} REGISTER`,
    Contact: "<sip:alice@192.0.2.4>",
    ...changes,
  }
  const entries: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === "string" ? [value] : (value ?? [])) entries.push([name, one])
  }
  return SipRequest.create("REGISTER", uri, entries)
}

export const contactsOf = (response: SipResponse) => response.headers.getAll("Contact")
