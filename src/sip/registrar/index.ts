/** The registrar: see README.md in this folder. */
export type { Authenticator, Verdict } from "./authenticator.ts"
export { bindingKey, canonicalUri } from "./binding-key.ts"
export type { Binding, BindingChange, LocationService, RegistrationUpdate } from "./location-service.ts"
export { Registrar } from "./registrar.ts"
export type { RegistrarComponents, RegistrarOptions } from "./registrar.ts"
export { ServedDomains } from "./served-domains.ts"
export type { IsLocalAddress } from "./served-domains.ts"
