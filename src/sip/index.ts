/** SIP: messages, transactions, transports, registrar, proxy, and a small user agent. */
export * from "./agent/index.ts"
export * from "./events/index.ts"
export * from "./message/index.ts"
export * from "./proxy/index.ts"
export * from "./registrar/index.ts"
export * from "./transaction/index.ts"
export * from "./transport/index.ts"
