/** Subscriptions and publications that this element answers itself: see README.md in this folder. */
export { EventServer } from "./event-server.ts"
export type { EventServerComponents, EventServerOptions } from "./event-server.ts"
export type { EventAuthorizationOptions } from "./event-authorization.ts"
export { maxDocumentBytes } from "./publications.ts"
export type { Publication, PublicationChange, PublicationService } from "./publications.ts"
