/**
 * Nodes at about the same distance on the ring: how many there are, and in a
 * list those that may be forgotten, by when they were last used. Its links are
 * its members' own.
 */

/** A member of one crowd at most. */
export interface CrowdMember<Self> {
  isIdle: boolean
  older: Self | undefined
  newer: Self | undefined
}

/** See the head of this file. */
export class Crowd<Member extends CrowdMember<Member>> {
  /** All of them, those that must stay included. */
  size = 0
  #oldest: Member | undefined
  #newest: Member | undefined

  /** Of those that may be forgotten, the one that was not used for longest. */
  get oldest(): Member | undefined {
    return this.#oldest
  }

  /** Whether it may be forgotten is another thing now. */
  mark(member: Member, isIdle: boolean): void {
    if (member.isIdle === isIdle) return
    member.isIdle = isIdle
    if (isIdle) this.#append(member)
    else this.#detach(member)
  }

  /** It has just been used. */
  touch(member: Member): void {
    if (!member.isIdle || member === this.#newest) return
    this.#detach(member)
    this.#append(member)
  }

  #append(member: Member): void {
    member.older = this.#newest
    member.newer = undefined
    if (this.#newest === undefined) this.#oldest = member
    else this.#newest.newer = member
    this.#newest = member
  }

  #detach(member: Member): void {
    if (member.older === undefined) this.#oldest = member.newer
    else member.older.newer = member.newer
    if (member.newer === undefined) this.#newest = member.older
    else member.newer.older = member.older
  }
}
