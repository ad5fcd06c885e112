/** p2psip: peer-to-peer SIP. The public face; re-exports only. */
export { P2PSipError, errorCodes, isP2PSipError } from "./errors.ts"
export type { ErrorCode } from "./errors.ts"
