/** One call at the relay of one of its phones: plain data, and who is at the other end. */
import { SipRequest, type SipMessage } from "../sip/message/index.ts"
import type { MediaStream } from "./media-stream.ts"

export interface MediaCall {
  readonly key: string
  readonly phoneHost: string
  /** By the media line. */
  readonly streams: Map<number, MediaStream>
  /** The tag of whom the phone speaks with: who has answered first, and before that who has described a stream last. */
  party: string
  /** The tags of those who have answered. */
  readonly answered: Set<string>
  /** INVITEs that the phone has got and not answered: one call may find a phone twice. */
  invites: number
  usedAt: number
}

/** So many may be at the other end of one call. */
export const maxParties = 16

export function newCall(key: string, phoneHost: string, now: number): MediaCall {
  return { key, phoneHost, streams: new Map(), party: "", answered: new Set(), invites: 0, usedAt: now }
}

/** Calls without ports, the oldest of the phone that has most of them: who calls without end pushes out nobody else. */
export function dispensable(calls: Iterable<MediaCall>): readonly MediaCall[] {
  const most = longest(byPhone(calls, (call) => !hasPorts(call)))
  // Several, so that not all are looked at for each new one.
  return most.slice(0, Math.ceil(most.length / 16))
}

/**
 * The call that gives its ports back where all are in use and another phone is
 * to ring: the oldest that only rings of the phone that rings most, unless the
 * other one would then ring as much. Who lets a phone ring without end, from
 * wherever, keeps no ports from the others.
 */
export function yielding(calls: Iterable<MediaCall>, phoneHost: string): MediaCall | undefined {
  const ringing = byPhone(calls, (call) => call.invites > 0 && call.answered.size === 0 && hasPorts(call))
  const most = longest(ringing)
  return most.length > (ringing.get(phoneHost)?.length ?? 0) + 1 ? most[0] : undefined
}

/** Those of which something is true, each phone's in the order of their age. */
function byPhone(calls: Iterable<MediaCall>, isMeant: (call: MediaCall) => boolean): ReadonlyMap<string, readonly MediaCall[]> {
  return Map.groupBy([...calls].filter(isMeant), ({ phoneHost }) => phoneHost)
}

function longest(lists: ReadonlyMap<string, readonly MediaCall[]>): readonly MediaCall[] {
  return [...lists.values()].reduce((one, other) => (other.length > one.length ? other : one), [])
}

function hasPorts({ streams }: MediaCall): boolean {
  for (const { pair } of streams.values()) if (pair !== undefined) return true
  return false
}

/** The tag of whom the phone speaks with, in a message that comes from the phone or from the other peer; empty while there is none. */
export function partyOf(message: SipMessage, sender: "phone" | "peer"): string {
  const isPhoneInFrom = message instanceof SipRequest === (sender === "phone")
  return (isPhoneInFrom ? message.to.tag : message.from.tag) ?? ""
}

export function answeredBy(call: MediaCall, party: string): void {
  if (call.answered.size === 0) call.party = party
  if (call.answered.size < maxParties) call.answered.add(party)
}

/** Forgets one of them; gives whom the phone speaks with from now on, undefined where nobody is left. */
export function withoutParty(call: MediaCall, party: string): string | undefined {
  const streams = [...call.streams.values()]
  call.answered.delete(party)
  for (const { remotes } of streams) remotes.delete(party)
  const left = [...call.answered, ...streams.flatMap(({ remotes }) => [...remotes.keys()])]
  return left.includes(call.party) ? call.party : left[0]
}
