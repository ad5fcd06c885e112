/** The contract between SIP-facing code and a distributed hash table. */
export * from "./types.ts"
