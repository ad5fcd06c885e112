/**
 * Early dialogs that end while others go on (RFC 6228): the caller is told, if
 * it wants to be, and may let go of what it keeps for them.
 */
import { createResponse, formatReason } from "../message/index.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"

/** A branch that has forked further on is remembered with so many of its phones. */
const maxPerBranch = 16

/** See the head of this file. Those of one request. */
export class EarlyDialogs {
  /** Whether the caller wants to be told; undefined until it matters. */
  #isWanted: boolean | undefined
  /** The To tags that have come over each branch and have not ended. */
  #tags: Map<number, Set<string>> | undefined

  /** A provisional response goes to the caller of `request`. */
  note(branch: number, { status, to }: SipResponse, request: SipRequest): void {
    this.#isWanted ??= isWanted(request)
    if (!this.#isWanted || to.tag === undefined) return
    this.#tags ??= new Map()
    const tags = this.#tags.get(branch) ?? new Set()
    this.#tags.set(branch, tags)
    if (status === 199) tags.delete(to.tag)
    else if (tags.size < maxPerBranch) tags.add(to.tag)
  }

  /** §6: what to tell a caller who has no final response yet when a branch has ended with that status. */
  end(branch: number, status: number, request: SipRequest): SipResponse[] {
    const tags = this.#tags?.get(branch)
    if (tags === undefined) return []
    this.#tags?.delete(branch)
    const headers = [["Reason", formatReason({ protocol: "SIP", cause: status })]] as const
    return [...tags].map((toTag) => createResponse(request, 199, undefined, { toTag, headers }))
  }
}

/** A proxy cannot send what has to be sent reliably. */
function isWanted({ method, headers }: SipRequest): boolean {
  const has = (name: string, tag: string): boolean => headers.getAll(name).some((value) => value.toLowerCase() === tag)
  return method === "INVITE" && has("Supported", "199") && !has("Require", "100rel")
}
