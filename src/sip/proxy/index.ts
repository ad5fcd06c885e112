/** The proxy: see README.md in this folder. */
export { DialogTokens } from "./dialog-tokens.ts"
export { pathThrough, serviceRoute } from "./forwarding.ts"
export type { Gateway } from "./gateways.ts"
export { SipProxy } from "./proxy.ts"
export type { MediaPath } from "./media-path.ts"
export type { Notifier, ProxyComponents, ProxyOptions } from "./proxy.ts"
