/** What a PUBLISH asks for (RFC 3903 §4.1, §6). Pure; throws Refusals. */
import type { SipRequest } from "../message/index.ts"
import { isToken } from "../message/characters.ts"
import { refuse } from "../registrar/refusal.ts"
import { maxDocumentBytes, type Publication } from "./publications.ts"

/** The rows of table 1, and a publication that is over before it has begun. */
export type PublicationOperation = "initial" | "refresh" | "modify" | "remove" | "nothing"

/** Which it is. */
export function operationOf(asked: { readonly hasTag: boolean; readonly hasBody: boolean; readonly expiresSeconds: number }): PublicationOperation {
  const { hasTag, hasBody, expiresSeconds } = asked
  // Step 5.
  if (!hasTag && !hasBody) throw refuse(400, "Nothing To Publish")
  if (expiresSeconds === 0) return hasTag ? "remove" : "nothing"
  if (!hasTag) return "initial"
  return hasBody ? "modify" : "refresh"
}

/** What a publication is called after its latest change. */
export function entityTagOf({ id, number }: Pick<Publication, "id" | "number">): string {
  return `${id}-${number}`
}

/** The entity-tag that a request is conditional on (step 3). */
export function conditionOf({ headers }: SipRequest): string | undefined {
  const tag = headers.get("SIP-If-Match")
  if (tag !== undefined && !isToken(tag)) throw refuse(400, "One Entity-Tag Is Needed")
  return tag
}

/** The document that it carries (step 5), which is of the only type that there is. */
export function documentOf({ headers, body }: SipRequest, contentType: string): Uint8Array {
  const encodings = headers.getAll("Content-Encoding").filter((encoding) => encoding.toLowerCase() !== "identity")
  if (encodings.length > 0) throw refuse(415, "Unsupported Content Encoding", [["Accept-Encoding", "identity"]])
  const type = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase()
  if (type !== contentType) throw refuse(415, "Unsupported Media Type", [["Accept", contentType]])
  if (body.length > maxDocumentBytes) throw refuse(413, "Document Too Large")
  return body
}
