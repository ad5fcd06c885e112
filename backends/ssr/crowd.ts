/** Nodes at about the same distance on the ring, by when they were last used: a list whose links are its members' own. */

/** A member of one crowd at most. */
export interface CrowdMember<Self> {
  older: Self | undefined
  newer: Self | undefined
}

/** See the head of this file. */
export class Crowd<Member extends CrowdMember<Member>> {
  size = 0
  #oldest: Member | undefined
  #newest: Member | undefined

  /** The one that was not used for longest. */
  get oldest(): Member | undefined {
    return this.#oldest
  }

  add(member: Member): void {
    this.size++
    this.#append(member)
  }

  remove(member: Member): void {
    this.size--
    this.#detach(member)
  }

  /** It has just been used. */
  touch(member: Member): void {
    if (member === this.#newest) return
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
