/** Message summaries, `application/simple-message-summary` (RFC 3842 §5.2): read, and made one of several. Pure. */
import { isUriText } from "../message/characters.ts"
import { SipSyntaxError } from "../message/index.ts"

export const messageSummaryType = "application/simple-message-summary"

/** Of one class of messages. */
interface MessageCounts {
  readonly fresh: number
  readonly old: number
  /** How many of these are urgent; undefined where nobody counts them. */
  readonly urgent: { readonly fresh: number; readonly old: number } | undefined
}

/** What waits for a user. */
export interface MessageSummary {
  readonly isWaiting: boolean
  /** A URI. */
  readonly account: string | undefined
  /** By class, in lower case. */
  readonly counts: ReadonlyMap<string, MessageCounts>
}

/** §3.5. */
const maxCount = 2 ** 32 - 1
const maxLineLength = 512
const maxClasses = 16
const field = /^([A-Za-z][A-Za-z-]{0,31})[ \t]*:[ \t]*([^ \t].*)$/
const counts = /^(\d{1,10})[ \t]*\/[ \t]*(\d{1,10})(?:[ \t]*\([ \t]*(\d{1,10})[ \t]*\/[ \t]*(\d{1,10})[ \t]*\))?$/

/** Throws a SipSyntaxError where it is no message summary. Headers of single messages are not read: nobody is told of them. */
export function readMessageSummary(document: Uint8Array): MessageSummary {
  const text = Buffer.from(document).toString("latin1")
  let isWaiting: boolean | undefined
  let account: string | undefined
  const byClass = new Map<string, MessageCounts>()
  for (const line of text.split(/\r?\n/)) {
    // What follows are headers of messages.
    if (line.trim() === "") break
    const [, name = "", value = ""] = (line.length <= maxLineLength && field.exec(line.trimEnd())) || []
    const key = name.toLowerCase()
    if (isWaiting === undefined) isWaiting = readStatus(key, value)
    else if (key === "message-account") account = readAccount(value)
    else byClass.set(key, readCounts(value))
  }
  if (isWaiting === undefined || byClass.size > maxClasses) throw malformed()
  return { isWaiting, account, counts: byClass }
}

/** What waits altogether, wherever (§3.10). */
export function composeMessageSummary(addressOfRecord: string, summaries: readonly MessageSummary[]): Uint8Array {
  const accounts = new Set(summaries.map(({ account }) => account).filter((account) => account !== undefined))
  const [account] = accounts.size === 1 ? accounts : [addressOfRecord]
  const lines = [`Messages-Waiting: ${summaries.some(({ isWaiting }) => isWaiting) ? "yes" : "no"}`]
  if (account !== undefined && isAccount(account)) lines.push(`Message-Account: ${account}`)
  const classes = [...new Set(summaries.flatMap((summary) => [...summary.counts.keys()]))].sort().slice(0, maxClasses)
  for (const name of classes) {
    const { fresh, old, urgent } = summaries.map((summary) => summary.counts.get(name)).reduce(sum) ?? none
    const marked = urgent === undefined ? "" : ` (${urgent.fresh}/${urgent.old})`
    lines.push(`${name.replace(/(?<![a-z])[a-z]/g, (letter) => letter.toUpperCase())}: ${fresh}/${old}${marked}`)
  }
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(""), "latin1")
}

const none: MessageCounts = { fresh: 0, old: 0, urgent: undefined }

function sum(one: MessageCounts | undefined, other: MessageCounts | undefined): MessageCounts | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const add = (first: number, second: number): number => Math.min(first + second, maxCount)
  const isMarked = one.urgent !== undefined || other.urgent !== undefined
  const urgent = { fresh: add(one.urgent?.fresh ?? 0, other.urgent?.fresh ?? 0), old: add(one.urgent?.old ?? 0, other.urgent?.old ?? 0) }
  return { fresh: add(one.fresh, other.fresh), old: add(one.old, other.old), urgent: isMarked ? urgent : undefined }
}

function readStatus(name: string, value: string): boolean {
  const status = value.toLowerCase()
  if (name !== "messages-waiting" || (status !== "yes" && status !== "no")) throw malformed()
  return status === "yes"
}

function readAccount(value: string): string {
  if (!isAccount(value)) throw malformed()
  return value
}

/** §3.5: without angle brackets. */
function isAccount(text: string): boolean {
  return text.length <= 256 && isUriText(text)
}

function readCounts(value: string): MessageCounts {
  const [, fresh, old, freshUrgent, oldUrgent] = counts.exec(value) ?? []
  if (fresh === undefined || old === undefined) throw malformed()
  const number = (text: string): number => Math.min(Number(text), maxCount)
  const urgent = freshUrgent === undefined || oldUrgent === undefined ? undefined : { fresh: number(freshUrgent), old: number(oldUrgent) }
  return { fresh: number(fresh), old: number(old), urgent }
}

function malformed(): SipSyntaxError {
  return new SipSyntaxError(400, "Malformed Message Summary")
}
