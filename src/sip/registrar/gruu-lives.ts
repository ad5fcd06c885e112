/**
 * How long temporary GRUUs count (RFC 5627 §5.1, §5.3). Pure.
 *
 * A device's registration has a *life*: from its first contact until the last
 * one has gone, or until it registers a contact again with another Call-ID.
 * Each binding says in which life it was made, in milliseconds since 1970, so
 * that a later life has a higher number; a GRUU says the same and counts
 * while that is the device's latest. So all GRUUs of a life end at once, at
 * every peer, and none of them is written down anywhere.
 */
import { instanceOf, isSameUrn } from "./instance.ts"
import type { Binding } from "./location-service.ts"

/** The bindings of one device, the one refreshed last first, as far as can be told (§6.1). */
export function bindingsOf(urn: string, bindings: readonly Binding[]): readonly Binding[] {
  return bindings.filter(({ parameters }) => isSameUrn(instanceOf(parameters)?.urn ?? "", urn)).sort(compareAge)
}

/** The life that a device is in; 0 where it has no contact with one. Takes the bindings of that device. */
export function latestLife(bindings: readonly Binding[]): number {
  return bindings.reduce((latest, { gruuLife = 0 }) => Math.max(latest, gruuLife), 0)
}

/** The life that a binding is made in. `known` are the bindings in force of its address-of-record. */
export function lifeFor(binding: Binding, known: readonly Binding[], nowMs: number): number {
  const instance = instanceOf(binding.parameters)
  if (instance === undefined) return 0
  const device = bindingsOf(instance.urn, known)
  const latest = latestLife(device)
  const before = device.find(({ parameters }) => instanceOf(parameters)?.flowNumber === instance.flowNumber)
  const goesOn = latest > 0 && (before === undefined || before.callId === binding.callId)
  return goesOn ? latest : Math.max(nowMs, latest + 1)
}

function compareAge(one: Binding, other: Binding): number {
  const lives = (other.gruuLife ?? 0) - (one.gruuLife ?? 0)
  if (lives !== 0) return lives
  return one.callId === other.callId ? other.cseq - one.cseq : other.expiresSeconds - one.expiresSeconds
}
