import { P2PSipError } from "../errors.ts"
import type { Value } from "./types.ts"

/** The codes with which an owner refuses an update that reached it. */
export type RejectionCode = "P2PSIP_PRECONDITION" | "P2PSIP_OUT_OF_ORDER" | "P2PSIP_TOO_MANY_VALUES"

/**
 * The owner judged the update and changed nothing. Carries the live values
 * that stood in the way, so that whoever lost a race (`putOrGet`) need not ask
 * again.
 */
export class UpdateRejectedError extends P2PSipError {
  readonly values: readonly Value[]

  constructor(code: RejectionCode, message: string, values: readonly Value[]) {
    super(code, message)
    this.values = values
  }
}
