/** Who may register and call: see README.md in this folder. */
export { digestAlgorithms, hashA1 } from "./digest.ts"
export type { DigestAlgorithm } from "./digest.ts"
export { DigestAuthenticator } from "./digest-authenticator.ts"
export type { DigestOptions, User } from "./digest-authenticator.ts"
export { chooseChallenge, credentialsFor } from "./digest-client.ts"
export type { AcceptedChallenge, CredentialsInput } from "./digest-client.ts"
