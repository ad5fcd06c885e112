/** The contract between SIP-facing code and a distributed hash table, and what a backend is written with. */
export * from "./types.ts"
export { P2PSipServlet } from "./servlet.ts"
export type { BackendDeclaration, BackendStatus, ServletComponents, ServletEvents } from "./servlet.ts"
export type { BackendComponents, BackendModule, NetworkComponents } from "./backend.ts"
export type { NetworkLink, NetworkNeighbour, NetworkRoute, NetworkStatus, NetworkTrace } from "./network.ts"
export { defaultLimits, defaultOperationTimeoutMs, servletOptionsSchema } from "./options.ts"
export type { ServletOptions } from "./options.ts"
export { UpdateRejectedError } from "./rejected.ts"
export type { RejectionCode } from "./rejected.ts"
export { defaultValueHash, maxTtlSeconds, operationIdBytes, unseenRemovalSeconds } from "./normalise.ts"
export type {
  NormalMutation, NormalPrecondition, NormalPut, NormalRemove, NormalRemoveAll, NormalSequence,
} from "./normalise.ts"
