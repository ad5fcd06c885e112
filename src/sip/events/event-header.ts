/** What SUBSCRIBE and PUBLISH say of their event, and for how long. Pure; throws Refusals. */
import { optionTags, Params, secondsOf } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import { refuse, refuseExtensions, type Refusal } from "../registrar/refusal.ts"

/** Neither a subscription nor a publication is for less, unless it is to end. */
const minExpiresSeconds = 60
const maxExpiresSeconds = 7200

/** The name of the package, in lower case; empty where there is none. */
export function eventOf({ headers }: SipRequest): string {
  const event = headers.get("Event") ?? ""
  const semicolon = event.indexOf(";")
  return (semicolon < 0 ? event : event.slice(0, semicolon)).trim().toLowerCase()
}

/** RFC 6665 §8.2.1: what tells two subscriptions of one dialog apart. */
export function eventIdOf({ headers }: SipRequest): string | undefined {
  const event = headers.get("Event") ?? ""
  const semicolon = event.indexOf(";")
  return semicolon < 0 ? undefined : Params.parse(event, semicolon, "Event").get("id")
}

/** For how long it is granted (RFC 6665 §4.2.1.1, RFC 3903 §6 step 4); 0 ends it. */
export function expiresOf({ headers }: SipRequest, defaultSeconds: number): number {
  const asked = headers.has("Expires") ? secondsOf(headers, "Expires") : defaultSeconds
  if (asked === undefined) throw refuse(400, "Malformed Expires")
  if (asked > 0 && asked < minExpiresSeconds) throw refuse(423, "Interval Too Brief", [["Min-Expires", String(minExpiresSeconds)]])
  return Math.min(asked, maxExpiresSeconds)
}

/** RFC 3261 §8.2.2.3: whoever insists on an extension is told that there are none. */
export function requireNoExtensions({ headers }: SipRequest): void {
  if (headers.has("Require")) throw refuseExtensions(optionTags(headers, "Require"))
}

/** 489 (RFC 6665 §7.3.2), which names the packages that there are. */
export function refuseEvent(names: Iterable<string>): Refusal {
  return refuse(489, "Bad Event", [["Allow-Events", [...names].join(", ")]])
}
