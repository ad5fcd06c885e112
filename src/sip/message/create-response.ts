import { badArgument } from "../../errors.ts"
import { isToken } from "./characters.ts"
import type { Headers } from "./headers.ts"
import { SipResponse } from "./message.ts"
import type { HeaderEntries, SipRequest } from "./message.ts"
import { reasonPhrase } from "./reason-phrases.ts"

/** Options of {@link createResponse}. */
export interface ResponseOptions {
  /** Added to To where it has no tag yet; never to a 100. */
  readonly toTag?: string | undefined
  /** Appended after the copied headers. */
  readonly headers?: HeaderEntries
  readonly body?: Uint8Array
  /** Copies Record-Route, as a response that makes a dialog must (§12.1.1). @default false */
  readonly withRecordRoute?: boolean
}

/**
 * The response to a request (RFC 3261 §8.2.6): Via, From, To, Call-ID and CSeq
 * are copied as they are; headers that are missing stay away, so that a
 * malformed request can be answered as well.
 */
export function createResponse(
  request: SipRequest,
  status: number,
  reason: string = reasonPhrase(status),
  options: ResponseOptions = {},
): SipResponse {
  const response = SipResponse.create(status, reason, [], options.body)
  const { headers } = response
  headers.copyFrom(request.headers, "Via")
  headers.copyFirst(request.headers, "From")
  copyTo(request, headers, status === 100 ? undefined : options.toTag)
  headers.copyFirst(request.headers, "Call-ID")
  headers.copyFirst(request.headers, "CSeq")
  // §8.2.6.1: the sender of a 100 measures its round trip with this.
  if (status === 100) headers.copyFrom(request.headers, "Timestamp")
  if (options.withRecordRoute === true) headers.copyFrom(request.headers, "Record-Route")
  for (const [name, value] of options.headers ?? []) headers.append(name, value)
  return response
}

function copyTo(request: SipRequest, into: Headers, toTag: string | undefined): void {
  const value = request.headers.get("To")
  if (toTag === undefined || value === undefined || hasTag(request)) {
    into.copyFirst(request.headers, "To")
    return
  }
  if (!isToken(toTag)) badArgument("toTag", "a token", toTag)
  into.append("To", `${value};tag=${toTag}`)
}

/** A To that does not parse gets no tag: nothing can be added to it safely. */
function hasTag(request: SipRequest): boolean {
  try {
    return request.to.tag !== undefined
  } catch {
    return true
  }
}
