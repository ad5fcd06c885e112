/** The SIP message layer: see README.md in this folder. */
export { fromBinaryText, isLineSafe, toBinaryText } from "./characters.ts"
export { contactExpires, contactQ, formatQ, parseContacts, parseQ } from "./contacts.ts"
export { createResponse } from "./create-response.ts"
export type { ResponseOptions } from "./create-response.ts"
export { CSeq, parseCSeq } from "./cseq.ts"
export {
  formatReason,
  maxBreadthOf,
  maxDeltaSeconds,
  optionTags,
  parseDeltaSeconds,
  reasonsOf,
  retryAfterOf,
  secondsOf,
} from "./header-values.ts"
export type { Reason } from "./header-values.ts"
export type { HeaderField } from "./header-field.ts"
export { Headers, maxHeaderFields } from "./headers.ts"
export { SipMessage, SipRequest, SipResponse } from "./message.ts"
export type { HeaderEntries } from "./message.ts"
export { formatNameAddress, NameAddress, parseNameAddress } from "./name-address.ts"
export { Params } from "./params.ts"
export { maxHeadBytes, maxMessageBytes, parseMessage } from "./parse.ts"
export { reasonPhrase } from "./reason-phrases.ts"
export { RejectedRequest } from "./rejected-request.ts"
export { SipSyntaxError } from "./syntax-error.ts"
export { telToSip } from "./tel-uri.ts"
export { SipUri } from "./uri.ts"
export type { UriParts } from "./uri.ts"
export { addressOfRecord, sameUri } from "./uri-compare.ts"
export { validateRequest, validateResponse } from "./validate.ts"
export { formatVia, parseVia, Via } from "./via.ts"
