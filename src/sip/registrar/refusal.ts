/** A decision against a request, on its way to the response that says so. */
import type { SipRequest, SipResponse } from "../message/index.ts"
import { createResponse } from "../message/index.ts"

export type HeaderList = readonly (readonly [name: string, value: string])[]

/** Thrown where a request is found wanting; never leaves the element that answers. */
export class Refusal extends Error {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList

  constructor(status: number, reason: string, headers: HeaderList = []) {
    super(`${status} ${reason}`)
    this.status = status
    this.reason = reason
    this.headers = headers
  }

  toResponse(request: SipRequest, toTag: string): SipResponse {
    return createResponse(request, this.status, this.reason, { toTag, headers: this.headers })
  }
}

/** The refusal with this status and reason. */
export function refuse(status: number, reason: string, headers?: HeaderList): Refusal {
  return new Refusal(status, reason, headers)
}

/** More than any phone requires. A longer list would come back longer than it was: nobody's address is to be flooded so. */
const maxNamedExtensions = 32

/** 420 (RFC 3261 §8.2.2.3), which names the extensions that are not supported. */
export function refuseExtensions(optionTags: Iterable<string>): Refusal {
  return refuse(420, "Bad Extension", [["Unsupported", [...new Set(optionTags)].slice(0, maxNamedExtensions).join(", ")]])
}
