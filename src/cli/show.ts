/** What a peer tells, in words for a terminal. */
import { styleText } from "node:util"
import type { ShownValue } from "../peer/admin-api.ts"
import type { PeerStatus } from "../peer/peer.ts"
import type { PeerInfo } from "../servlet/index.ts"
import type { ShownLookupEvent } from "./api-client.ts"

const dim = (text: string): string => styleText("dim", text)

/** `hello  (3600 s left, 1f2e…)`, one line for each value. */
export function showValues(values: readonly ShownValue[]): string {
  if (values.length === 0) return dim("(no value)")
  return values.map((value) => `${showContent(value)}  ${dim(`(${value.ttlSeconds} s left, hash ${value.valueHash})`)}`).join("\n")
}

/** The value as text; of a registration its contact, and what else helps to tell phones apart. */
export function showContent({ value, encoding, binding }: ShownValue): string {
  if (binding === undefined) return encoding === "utf8" ? value : `base64:${value}`
  const { contact, q, userAgent, heldBy } = binding
  const parts = [
    contact, ...(q === 1 ? [] : [`q=${q}`]), ...(userAgent === "" ? [] : [userAgent]),
    ...(heldBy === undefined ? [] : [`phone of peer ${showPeerId(heldBy)}`]),
  ]
  // Phones may write what moves a terminal's cursor.
  return parts.join(", ").replaceAll(/\p{Cc}/gu, "?")
}

/** One line for each step of a look-up. */
export function showLookupEvent(event: ShownLookupEvent): string {
  switch (event.name) {
    case "hop":
      return `${event.hop}. asking ${showPeer(event.peer)}`
    case "answer":
      return `   answered after ${event.rttMs.toFixed(1)} ms${event.closer.length === 0 ? "" : `, closer: ${event.closer.map(showPeer).join(", ")}`}`
    case "timeout":
      return `   no answer for ${Math.round(event.waitedMs)} ms`
    case "done": {
      const copies = event.replicas.slice(1).map(showPeer).join(", ")
      const summary = `owner ${showPeer(event.owner)}${copies === "" ? "" : `, copies at ${copies}`} (${event.hops} hops, ${event.elapsedMs.toFixed(1)} ms)`
      return `${summary}\n${showValues(event.values)}`
    }
    case "failed":
      return `failed after ${event.hops} hops: ${event.message} (${event.code})`
  }
}

/** The essentials of a status, for people; `--json` has the rest. */
export function showStatus(status: PeerStatus): string {
  const { servlet, sipEdge } = status
  const neighbours = Object.entries(servlet.neighbours).map(([name, peers]): [string, string] => [name, peers.map(showPeer).join(", ") || "none"])
  const rows: readonly (readonly [string, string])[] = [
    ["peer", status.peerId],
    ["place", servlet.self?.id ?? "none yet"],
    ["state", `${status.state}, overlay ${servlet.state} (${servlet.backend}), for ${status.uptimeSeconds} s`],
    ["domains", status.domains.join(", ")],
    ["peers", `${servlet.peersKnown} known`],
    ...neighbours,
    ["records", `${servlet.records.owned} owned, ${servlet.records.copies} copies, ${servlet.records.tombstones} tombstones`],
    ["sip", `${status.sip.join(", ")} (${sipEdge.transactions} transactions)`],
    ["listen", status.listen.join(", ")],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `${dim(name.padEnd(width))}  ${text}`).join("\n")
}

/** The end of a peer id tells peers apart; its beginning is the same for all. */
export function showPeer({ peerId }: PeerInfo): string {
  return showPeerId(peerId)
}

function showPeerId(peerId: string): string {
  return peerId.length > 12 ? `…${peerId.slice(-8)}` : peerId
}
