/** Subscriptions that this element answers itself: see README.md in this folder. */
export { RegistrationEvents } from "./registration-events.ts"
export type { RegistrationEventComponents, RegistrationEventOptions } from "./registration-events.ts"
