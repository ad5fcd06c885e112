/**
 * Peers that are out of sight and may live all the same: in an overlay of their
 * own, after a partition or two starts. Whom this peer lost, whom its
 * neighbours lost, and through whom it joined; and whose turn it is to be
 * looked for.
 */
import type { Runtime } from "../runtime/runtime.ts"
import type { Member } from "./key-based-routing.ts"

/** Of each kind. */
const maxRemembered = 16
/** Of all that are to be tried, this part is tried at once, but a few at least. */
const shareAtOnce = 1 / 3
const leastAtOnce = 3
/** Whom others miss is looked for so often. */
const triesForOthers = 12
/** Named to a neighbour at once. */
const maxTold = 8

/** Somebody lost from sight, and how often it was tried in vain. */
interface Missed {
  readonly member: Member
  tries: number
}

/** See the head of this file. */
export class MissedPeers {
  readonly #runtime: Runtime
  /** Through whom this peer joined; the one tried longest ago first, as below. */
  #contacts: Missed[] = []
  /** Those that were found dead: the table of members may be off, or have forgotten them. */
  #lost: Missed[] = []
  /** Whom others have lost. */
  #heard: Missed[] = []

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** This peer joins through these. */
  remember(contacts: readonly Member[]): void {
    for (const member of contacts) {
      if (this.#contacts.length < maxRemembered && !has(this.#contacts, member)) this.#contacts.push({ member, tries: 0 })
    }
  }

  /** A member was found dead; perhaps only the way to it was cut. */
  lose(member: Member): void {
    this.#heard = without(this.#heard, member)
    this.#lost = [{ member, tries: 0 }, ...without(this.#lost, member)]
    if (this.#lost.length > maxRemembered) forgetOneOf(this.#lost)
  }

  /** A neighbour misses these. */
  hear(members: readonly Member[]): void {
    for (const member of members) {
      if (has(this.#lost, member) || has(this.#heard, member)) continue
      this.#heard.unshift({ member, tries: 0 })
      if (this.#heard.length > maxRemembered) forgetOneOf(this.#heard)
    }
  }

  /** For those who are to go on looking when this peer leaves. */
  get bequest(): Member[] {
    return [...this.#lost, ...this.#heard].slice(0, maxRemembered).map(({ member }) => member)
  }

  /** Those whose turn it is, of all that are out of sight; they count as tried. And one at random of `gone`: members that are believed dead. */
  takeTurn(isInSight: (member: Member) => boolean, gone: readonly Member[]): Member[] {
    this.#heard = this.#heard.filter(({ tries }) => tries < triesForOthers)
    const oneGone = gone.slice(this.#runtime.random.uint32() % Math.max(1, gone.length)).slice(0, 1)
    const all = [...this.#lost, ...this.#heard, ...this.#contacts].filter(({ member }) => !isInSight(member))
    const atOnce = Math.max(leastAtOnce, Math.ceil(all.length * shareAtOnce))
    const turn = all.sort((a, b) => a.tries - b.tries).slice(0, atOnce)
    for (const missed of turn) missed.tries++
    // One may have been lost through whom this peer joined.
    return [...new Map([...turn.map(({ member }) => member), ...oneGone].map((member) => [member.id, member])).values()]
  }

  /** Which of those this peer has lost itself, for the neighbour that is to look for them as well. */
  ownAmong(members: readonly Member[]): Member[] {
    return members.filter((member) => has(this.#lost, member)).slice(0, maxTold)
  }
}

/** The one that was tried most often: it is the least likely to live. */
function forgetOneOf(list: Missed[]): void {
  const most = Math.max(...list.map(({ tries }) => tries))
  list.splice(list.findLastIndex(({ tries }) => tries === most), 1)
}

function has(list: readonly Missed[], { id }: Member): boolean {
  return list.some(({ member }) => member.id === id)
}

function without(list: readonly Missed[], { id }: Member): Missed[] {
  return list.filter(({ member }) => member.id !== id)
}
