/** What a user agent tells its owner. */
import type { SipRequest } from "../message/index.ts"
import type { Call } from "./call.ts"

/** How a REGISTER ended. `status` is 408 where nothing came back and 503 where nothing could be sent. */
export type RegisterOutcome =
  | { readonly kind: "registered"; readonly expiresSeconds: number; readonly contacts: readonly string[] }
  | { readonly kind: "failed"; readonly status: number; readonly reason: string }

/** Everything that an agent tells, told apart by `name`. */
export type AgentEvent =
  | { readonly name: "registered"; readonly expiresSeconds: number; readonly contacts: readonly string[] }
  | { readonly name: "registrationFailed"; readonly status: number; readonly reason: string }
  /** Somebody calls; see the methods of Call for what to do about it. */
  | { readonly name: "incoming"; readonly call: Call }
  /** A provisional response, 101 to 199. */
  | { readonly name: "ringing"; readonly call: Call; readonly status: number }
  | { readonly name: "established"; readonly call: Call }
  /** The call did not come about: refused, cancelled, not answered. */
  | { readonly name: "failed"; readonly call: Call; readonly status: number; readonly reason: string }
  | { readonly name: "ended"; readonly call: Call; readonly by: "local" | "remote" }
  /** A request outside of calls, which was answered 200: MESSAGE, OPTIONS. */
  | { readonly name: "request"; readonly request: SipRequest }

/** Is told each event, in order. */
export type AgentListener = (event: AgentEvent) => void
