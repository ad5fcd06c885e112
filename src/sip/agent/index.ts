/** A small SIP user agent: see README.md in this folder. */
export { Call } from "./call.ts"
export type { CallOutcome, CallState } from "./call.ts"
export type { AgentComponents, AgentOptions } from "./core.ts"
export type { AgentEvent, AgentListener, RegisterOutcome } from "./events.ts"
export { UserAgent } from "./user-agent.ts"
