/** SIP transactions: see README.md in this folder. */
export { TransactionLayer } from "./layer.ts"
export type { TransactionComponents } from "./layer.ts"
export type { TransactionOptions } from "./options.ts"
export { ListedTimer, TimerLists } from "./timer-lists.ts"
export type { TimerOwner } from "./timer-lists.ts"
export type { ClientHandlers, ClientTransaction, RequestOptions, ServerTransaction } from "./types.ts"
export { magicCookie } from "./via.ts"
