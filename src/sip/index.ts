/** SIP: messages. */
export * from "./message/index.ts"
